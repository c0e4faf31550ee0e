//! Plots as SVG, both axes logarithmic.

use crate::number::number;
use plotters::prelude::*;
use std::path::Path;

/// Lines over a quantity.
#[derive(Debug)]
pub struct Plot {
    pub file: &'static str,
    pub title: &'static str,
    pub x: &'static str,
    pub y: &'static str,
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// Ours first; colours that can be told apart in black and white and by the colour-blind.
const COLOURS: [RGBColor; 4] = [
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0x99, 0x99, 0x99),
];

impl Plot {
    pub fn write(&self, directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let bounds = |of: fn(&(f64, f64)) -> f64| {
            let values = points().map(of).filter(|value| *value > 0.0);
            values.fold((f64::MAX, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let ((x0, x1), (y0, y1)) = (bounds(|point| point.0), bounds(|point| point.1));
        if x1 <= 0.0 || y1 <= 0.0 {
            return Ok(());
        }
        let path = directory.join(self.file);
        let area = SVGBackend::new(&path, (760, 360)).into_drawing_area();
        area.fill(&WHITE)?;
        // Beside the lines, so that it covers none.
        let (area_of_lines, legend) = area.split_horizontally(600);
        let mut chart = ChartBuilder::on(&area_of_lines)
            .caption(self.title, ("sans-serif", 16))
            .margin(10)
            .margin_right(24)
            .x_label_area_size(40)
            .y_label_area_size(72)
            .build_cartesian_2d((x0..x1).log_scale(), (y0 / 2.0..y1 * 2.0).log_scale())?;
        let label = |value: &f64| number(*value);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .label_style(("sans-serif", 12))
            .draw()?;
        let lines = self.lines.iter().zip(COLOURS.iter().cycle());
        for (((name, points), colour), y) in lines.zip((48..).step_by(20)) {
            let style = colour.stroke_width(2);
            let shown = || points.iter().copied().filter(|point| point.1 > 0.0);
            legend.draw(&PathElement::new([(0, y), (16, y)], style))?;
            legend.draw(&Text::new(name.as_str(), (22, y - 5), ("sans-serif", 12)))?;
            chart.draw_series(LineSeries::new(shown(), style))?;
            chart.draw_series(shown().map(|point| Circle::new(point, 3, colour.filled())))?;
        }
        area.present()?;
        Ok(())
    }
}
