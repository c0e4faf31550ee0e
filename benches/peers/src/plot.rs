//! Plots as SVG.

/// Lines over a quantity, both axes logarithmic.
#[derive(Debug)]
pub struct Plot {
    pub file: &'static str,
    pub title: &'static str,
    pub x: &'static str,
    pub y: &'static str,
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}
