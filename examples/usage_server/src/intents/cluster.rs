//! Leader clustering of short texts by the cosine of their TF-IDF vectors.

use std::collections::HashMap;

use super::words::words;

/// Terms are told apart by this many bits of their hash.
const TERM_BITS: u32 = 18;
/// How alike a text and the middle of its cluster are at least.
const ALIKE: f32 = 0.6;
/// What a term counts that fewer than `RARE` texts have: names, topics and slips, which tell two asks of one kind apart.
const RARE_WEIGHT: f32 = 0.2;
const RARE: f32 = 3.0;
/// What a pair of neighbours counts beside a word.
const PAIR_WEIGHT: f32 = 0.3;
/// How fast words count less the later they stand: what is wanted is said first, and with what last.
const FADING: f32 = 0.3;

/// Texts that want the same, by their places in what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The member that is most like the others.
    pub medoid: usize,
    pub members: Vec<usize>,
}

/// Terms with their weights, in order of the terms, of length 1; empty for a text without a word.
type Vector = Vec<(u32, f32)>;

/// Puts each text into the cluster that it is most like, or makes it the first of one. What comes first leads, so texts
/// in the order of their arrival give clusters that last.
pub fn cluster(texts: &[impl AsRef<str>]) -> Vec<Cluster> {
    let vectors = vectors(texts);
    let mut clusters = Clusters::default();
    for (text, vector) in vectors.iter().enumerate() {
        clusters.add(text, vector);
    }
    let clusters = clusters.members.into_iter();
    clusters
        .map(|members| Cluster {
            medoid: medoid(&members, &vectors),
            members,
        })
        .collect()
}

#[derive(Default)]
struct Clusters {
    members: Vec<Vec<usize>>,
    /// The square of the length of the sum of its members, by cluster.
    squares: Vec<f32>,
    /// The sums, by term and then by cluster, ascending.
    sums: HashMap<u32, Vec<(usize, f32)>>,
    /// The one of texts without a word.
    wordless: Option<usize>,
}

impl Clusters {
    fn add(&mut self, text: usize, vector: &Vector) {
        let mut products = vec![0.0; self.members.len()];
        for (term, weight) in vector {
            for (cluster, sum) in self.sums.get(term).into_iter().flatten() {
                if let Some(product) = products.get_mut(*cluster) {
                    *product += weight * sum;
                }
            }
        }
        let nearest = || {
            let cosines = products.iter().zip(&self.squares).enumerate();
            cosines
                .map(|(cluster, (product, square))| (cluster, product / square.sqrt()))
                .filter(|(_, cosine)| *cosine >= ALIKE)
                // The older one of two that are as near.
                .max_by(|(a, one), (b, other)| one.total_cmp(other).then(b.cmp(a)))
                .map(|(cluster, _)| cluster)
        };
        let home = match vector.is_empty() {
            true => self.wordless,
            false => nearest(),
        };
        let cluster = home.unwrap_or(self.members.len());
        if home.is_none() {
            self.members.push(Vec::new());
            self.squares.push(0.0);
            if vector.is_empty() {
                self.wordless = Some(cluster);
            }
        }
        if let Some(members) = self.members.get_mut(cluster) {
            members.push(text);
        }
        let product = products.get(cluster).copied().unwrap_or_default();
        if let Some(square) = self.squares.get_mut(cluster) {
            *square += 2.0 * product + 1.0;
        }
        for (term, weight) in vector {
            let sums = self.sums.entry(*term).or_default();
            match sums.binary_search_by_key(&cluster, |(cluster, _)| *cluster) {
                Ok(place) => {
                    if let Some((_, sum)) = sums.get_mut(place) {
                        *sum += weight;
                    }
                }
                Err(place) => sums.insert(place, (cluster, *weight)),
            }
        }
    }
}

fn medoid(members: &[usize], vectors: &[Vector]) -> usize {
    let vector = |member: &usize| vectors.get(*member).map(Vec::as_slice).unwrap_or_default();
    let mut sum: HashMap<u32, f32> = HashMap::new();
    for (term, weight) in members.iter().flat_map(vector) {
        *sum.entry(*term).or_default() += weight;
    }
    // The sum of the cosines with all members is the product with their sum.
    let centrality = |member: &usize| -> f32 {
        let terms = vector(member).iter();
        terms
            .map(|(term, weight)| weight * sum.get(term).copied().unwrap_or_default())
            .sum()
    };
    let most = members
        .iter()
        .map(|member| (member, centrality(member)))
        .max_by(|(a, one), (b, other)| one.total_cmp(other).then(b.cmp(a)));
    most.map(|(member, _)| *member).unwrap_or_default()
}

fn vectors(texts: &[impl AsRef<str>]) -> Vec<Vector> {
    let mut vectors: Vec<Vector> = texts.iter().map(|text| terms(text.as_ref())).collect();
    let mut holding: HashMap<u32, f32> = HashMap::new();
    for (term, _) in vectors.iter().flatten() {
        *holding.entry(*term).or_default() += 1.0;
    }
    let all = texts.len() as f32;
    for vector in &mut vectors {
        for (term, weight) in vector.iter_mut() {
            let holding = holding.get(term).copied().unwrap_or(1.0);
            if holding < RARE {
                *weight *= RARE_WEIGHT;
            }
            *weight *= 1.0 + ((1.0 + all) / (1.0 + holding)).ln();
        }
        let square: f32 = vector.iter().map(|(_, weight)| weight * weight).sum();
        vector
            .iter_mut()
            .for_each(|(_, weight)| *weight /= square.sqrt());
    }
    vectors
}

/// The words and the pairs of neighbours in a text, each with what the first of its places counts.
fn terms(text: &str) -> Vector {
    let words = words(text);
    let mut terms: HashMap<u32, f32> = HashMap::new();
    let mut fading = 1.0;
    for (place, word) in words.iter().enumerate() {
        let weight = 1.0 / fading;
        terms.entry(hash(&[word])).or_insert(weight);
        if let Some(next) = words.get(place + 1) {
            terms
                .entry(hash(&[word, next]))
                .or_insert(PAIR_WEIGHT * weight);
        }
        fading += FADING;
    }
    let mut terms: Vector = terms.into_iter().collect();
    terms.sort_by_key(|(term, _)| *term);
    terms
}

/// FNV-1a, folded to the bits of a term.
fn hash(words: &[&String]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in words.iter().flat_map(|word| word.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    ((hash >> 32 ^ hash) & ((1 << TERM_BITS) - 1)) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What each of five hundred texts is about, and the text: written down before there was any code to tell.
    const LABELLED: &str = include_str!("../../tests/data/intents.tsv");

    #[test]
    fn clusters_of_the_labelled_texts_are_pure_and_more_than_single_texts() {
        let rows: Vec<(&str, &str)> = LABELLED
            .lines()
            .map(|line| line.split_once('\t').unwrap())
            .collect();
        let texts: Vec<&str> = rows.iter().map(|(_, text)| *text).collect();
        let clusters = cluster(&texts);
        let mut pure = 0;
        let mut mixed_apart = (0, 0);
        let mut grouped = 0;
        for cluster in &clusters {
            let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
            for member in &cluster.members {
                *labels.entry(rows[*member].0).or_default() += 1;
            }
            let most = labels.values().max().unwrap();
            pure += most;
            if cluster.members.len() >= 3 {
                grouped += cluster.members.len();
                mixed_apart.0 += most;
                mixed_apart.1 += cluster.members.len();
            }
        }
        let purity = pure as f64 / rows.len() as f64;
        let said = format!(
            "{} texts in {} clusters, purity {purity:.3}; {grouped} in clusters of three and more, purity {:.3} there",
            rows.len(),
            clusters.len(),
            f64::from(mixed_apart.0 as u32) / f64::from(mixed_apart.1 as u32),
        );
        println!("{said}");
        assert_eq!(rows.len(), 500);
        assert!(purity >= 0.8, "{said}");
        assert!(grouped * 2 >= rows.len(), "{said}");
    }

    #[test]
    fn a_cluster_is_named_by_its_most_central_member_and_each_text_is_in_one() {
        let texts = [
            "Refund order 12, it came broken and late",
            "Refund order 7",
            "refund the order 9",
            "Show my calendar",
            "…",
            "!?",
        ];
        let clusters = cluster(&texts);
        let members: Vec<&[usize]> = clusters.iter().map(|c| c.members.as_slice()).collect();
        assert_eq!(members, [&[0, 1, 2][..], &[3], &[4, 5]]);
        assert_eq!(clusters[0].medoid, 1);
    }

    #[test]
    fn nothing_and_ten_thousand_characters_are_no_trouble() {
        assert_eq!(cluster(&[""; 0]), []);
        let long = "<script>alert(1)</script> \u{202e}\u{0} ".repeat(400);
        assert_eq!(cluster(&[long.as_str(), "a"]).len(), 2);
    }
}
