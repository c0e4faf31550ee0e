//! Pure: which events of a refused batch are at fault. A batch that is answered 400 or 422, or by another 4xx or a
//! redirect where others were accepted, is sent again in quarters, and what is refused of it in halves, within a budget of requests.

use std::collections::{BTreeMap, BTreeSet};

/// A part of a batch that is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(super) search: u64,
    /// Quarters go out before parts of them: if all are refused, the request is at fault.
    pub(super) is_quarter: bool,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchResult {
    /// The event alone is at fault.
    Event,
    /// One event or more of these is: the whole batch is sent again in quarters, a part in halves.
    Quarters(Piece),
    Halves(Piece),
    /// The request is at fault, whatever its events: all that is left of the batch is dropped.
    Request,
}

/// The searches under way.
#[derive(Debug, Default)]
pub(super) struct Searches {
    open: BTreeMap<u64, Search>,
    next: u64,
    /// Whether something was accepted since a batch was refused in every part; `None` before either.
    accepts: Option<bool>,
}

/// The search in one batch. Its requests go out one after another.
#[derive(Debug)]
struct Search {
    events: usize,
    requests: usize,
    found: usize,
    refused_quarters: usize,
    is_under_way: bool,
}

impl Search {
    /// Two requests for each halving on the way to an event, as many for what is not found yet, and a bound
    /// for a batch.
    fn budget(&self) -> usize {
        let halvings = self.events.next_power_of_two().trailing_zeros() as usize;
        let wanted = 2 * halvings * (self.found + 1);
        wanted.min((self.events / 4).max(8))
    }
}

impl Searches {
    /// A batch, or a part of one, was refused. `if_accepting`: only an ingest that has accepted something means an event.
    pub(super) fn refused(
        &mut self,
        piece: Option<Piece>,
        events: usize,
        if_accepting: bool,
    ) -> SearchResult {
        let Some(piece) = piece else {
            return self.begin(events, if_accepting);
        };
        let blamed = self.accepts == Some(false);
        let Some(search) = self.answered(piece).filter(|_| !blamed) else {
            return SearchResult::Request;
        };
        search.refused_quarters += usize::from(piece.is_quarter);
        search.found += usize::from(events == 1);
        if search.refused_quarters == search.events.min(4) {
            self.accepts = Some(false);
            self.open.remove(&piece.search);
            return SearchResult::Request;
        }
        if events == 1 {
            return SearchResult::Event;
        }
        SearchResult::Halves(Piece {
            is_quarter: false,
            ..piece
        })
    }

    fn begin(&mut self, events: usize, if_accepting: bool) -> SearchResult {
        if events == 1 {
            return SearchResult::Event;
        }
        if !self.accepts.unwrap_or(!if_accepting) {
            return SearchResult::Request;
        }
        let search = self.next;
        self.next += 1;
        let begun = Search {
            events,
            requests: 0,
            found: 0,
            refused_quarters: 0,
            is_under_way: false,
        };
        self.open.insert(search, begun);
        SearchResult::Quarters(Piece {
            search,
            is_quarter: true,
        })
    }

    /// A batch, or a part of one, was accepted.
    pub(super) fn accepted(&mut self, piece: Option<Piece>) {
        self.accepts = Some(true);
        if let Some(piece) = piece {
            self.answered(piece);
        }
    }

    fn answered(&mut self, piece: Piece) -> Option<&mut Search> {
        let search = self.open.get_mut(&piece.search)?;
        search.requests += 1;
        search.is_under_way = false;
        Some(search)
    }

    /// A part goes out.
    pub(super) fn sent(&mut self, piece: Piece) {
        if let Some(search) = self.open.get_mut(&piece.search) {
            search.is_under_way = true;
        }
    }

    /// A part has got no answer that says anything of its events.
    pub(super) fn unanswered(&mut self, piece: Piece) {
        if let Some(search) = self.open.get_mut(&piece.search) {
            search.is_under_way = false;
        }
    }

    /// Whether the next part may go out.
    pub(super) fn may_send(&self, piece: Piece) -> bool {
        let search = self.open.get(&piece.search);
        search.is_none_or(|search| !search.is_under_way)
    }

    /// Whether the search that a part belongs to has no request left, so that what remains is dropped.
    pub(super) fn is_spent(&self, piece: Piece) -> bool {
        let search = self.open.get(&piece.search);
        search.is_none_or(|search| search.requests >= search.budget())
    }

    /// Forgets the searches of which no part is left.
    pub(super) fn retain(&mut self, left: &BTreeSet<u64>) {
        self.open.retain(|search, _| left.contains(search));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Plays a batch against an ingest that refuses what holds a bad event. Returns the requests after the
    /// first, and the events that were found bad and those that were given up.
    fn play(searches: &mut Searches, events: &[u32], bad: &[u32]) -> (usize, Vec<u32>, Vec<u32>) {
        let is_refused = |part: &[u32]| part.iter().any(|event| bad.contains(event));
        let halves = |part: &[u32]| {
            let (first, second) = part.split_at(part.len().div_ceil(2));
            [first.to_vec(), second.to_vec()]
        };
        let (mut requests, mut found) = (0, Vec::new());
        let mut waiting: Vec<(Piece, Vec<u32>)> = Vec::new();
        let mut part = (None, events.to_vec());
        loop {
            let (piece, sent) = part;
            let finding = if is_refused(&sent) {
                Some(searches.refused(piece, sent.len(), false))
            } else {
                searches.accepted(piece);
                None
            };
            let mut add = |piece, parts: Vec<Vec<u32>>| {
                let parts = parts.into_iter().filter(|part| !part.is_empty());
                waiting.extend(parts.map(|part| (piece, part)));
            };
            match finding {
                None => {}
                Some(SearchResult::Event) => found.push(sent[0]),
                Some(SearchResult::Quarters(piece)) => {
                    add(
                        piece,
                        halves(&sent).iter().flat_map(|half| halves(half)).collect(),
                    );
                }
                Some(SearchResult::Halves(piece)) => add(piece, halves(&sent).to_vec()),
                Some(SearchResult::Request) => {
                    let mut left = sent;
                    left.extend(waiting.into_iter().flat_map(|(_, part)| part));
                    return (requests, found, left);
                }
            }
            waiting.sort_by_key(|(piece, part)| (!piece.is_quarter, part[0]));
            let Some((piece, _)) = waiting.first() else {
                return (requests, found, Vec::new());
            };
            if searches.is_spent(*piece) {
                let left = waiting.into_iter().flat_map(|(_, part)| part);
                return (requests, found, left.collect());
            }
            assert!(searches.may_send(*piece));
            let (piece, next) = waiting.remove(0);
            searches.sent(piece);
            assert!(!searches.may_send(piece), "one request at a time");
            requests += 1;
            part = (Some(piece), next);
        }
    }

    #[test]
    fn one_bad_event_is_found_and_all_others_arrive() {
        for count in [2, 3, 5, 64, 100, 500] {
            let events: Vec<u32> = (0..count).collect();
            for bad in [0, count / 3, count - 1] {
                let (requests, found, left) = play(&mut Searches::default(), &events, &[bad]);
                let most = 2 * (f64::from(count).log2().ceil() as usize);
                assert!(requests <= most, "{count}, {bad}: {requests}");
                assert_eq!((found, left), (vec![bad], vec![]), "{count}, {bad}");
            }
        }
    }

    #[test]
    fn a_batch_of_bad_events_costs_four_requests_and_the_next_one_none() {
        let events: Vec<u32> = (0..100).collect();
        let mut searches = Searches::default();
        let (requests, found, left) = play(&mut searches, &events, &events);
        assert_eq!((requests, found.len(), left.len()), (4, 0, 100));
        for _ in 0..10 {
            let (requests, _, left) = play(&mut searches, &events, &events);
            assert_eq!((requests, left.len()), (0, 100));
        }
        searches.accepted(None);
        let (requests, ..) = play(&mut searches, &events, &events);
        assert_eq!(requests, 4, "looked for again once something was accepted");
    }

    #[test]
    fn a_single_event_says_nothing_about_the_request() {
        let mut searches = Searches::default();
        assert_eq!(searches.refused(None, 1, false), SearchResult::Event);
        assert!(matches!(
            searches.refused(None, 9, false),
            SearchResult::Quarters(_)
        ));
    }

    #[test]
    fn an_answer_that_may_mean_the_key_means_an_event_only_of_an_ingest_that_accepts() {
        let mut searches = Searches::default();
        assert_eq!(searches.refused(None, 9, true), SearchResult::Request);
        searches.accepted(None);
        let SearchResult::Quarters(piece) = searches.refused(None, 9, true) else {
            panic!();
        };
        for _ in 0..3 {
            let SearchResult::Halves(_) = searches.refused(Some(piece), 2, true) else {
                panic!();
            };
        }
        assert_eq!(
            searches.refused(Some(piece), 3, true),
            SearchResult::Request
        );
        assert_eq!(searches.refused(None, 9, true), SearchResult::Request);
    }

    #[test]
    fn a_search_without_parts_is_forgotten() {
        let mut searches = Searches::default();
        let SearchResult::Quarters(piece) = searches.refused(None, 9, false) else {
            panic!();
        };
        searches.sent(piece);
        searches.retain(&BTreeSet::from([piece.search]));
        assert!(!searches.may_send(piece));
        searches.unanswered(piece);
        assert!(searches.may_send(piece));
        searches.retain(&BTreeSet::new());
        assert!(searches.is_spent(piece) && searches.open.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn no_event_is_lost_from_sight_and_the_budget_holds(
            count in 2_u32..600,
            bad in proptest::collection::btree_set(0_u32..600, 1..40),
        ) {
            let events: Vec<u32> = (0..count).collect();
            let bad: Vec<u32> = bad.into_iter().map(|event| event % count).collect();
            let (requests, found, left) = play(&mut Searches::default(), &events, &bad);
            let halvings = f64::from(count).log2().ceil() as usize;
            prop_assert!(requests <= 2 * halvings * (found.len() + 1));
            prop_assert!(requests <= (count as usize / 4).max(8));
            prop_assert!(found.iter().all(|event| bad.contains(event)));
            let given_up = bad.iter().all(|event| found.contains(event) || left.contains(event));
            prop_assert!(given_up, "a bad event was accepted");
        }
    }
}
