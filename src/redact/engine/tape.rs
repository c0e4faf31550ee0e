//! What the writer of an event keeps for its redaction: names, values and containers in their order, but for those that
//! no rule can have an interest in.
//!
//! The writer sees each of them anyway. A walk through the finished text would look for all of them again, and take
//! twice as long for it as for what it finds: a typical event takes 8 100 instructions more then (of 21 900).

use crate::redact::engine::inside::KEEP_BYTES;
use crate::redact::engine::member::names_beside;
use crate::redact::engine::memo::{Key, Known};
use crate::redact::engine::span::SpanSeen;
use crate::redact::kind::{Interest, Kind, Role};
use crate::redact::read::bytes::{at, part};
use crate::redact::read::masks::{MaskMemory, Seen, SeenAt};

/// One of them, and where it stands in the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) what: What,
    /// Of a name: what it says, if that is known.
    pub(crate) said: Option<(Kind, Role)>,
    pub(crate) from: u32,
    /// Of the beginning of a container: the place of its end among the tokens of the value.
    pub(crate) to: u32,
}

impl Token {
    fn new(what: What, (from, to): (usize, usize)) -> Self {
        Self {
            what,
            said: None,
            from: from as u32,
            to: to as u32,
        }
    }

    pub(crate) fn place(self) -> (usize, usize) {
        (self.from as usize, self.to as usize)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Name {
        escaped: bool,
    },
    String(Seen),
    /// A string whose name and containers say nothing to the rules, and its masks. It is read as a text alone: of an
    /// event with two, 850 instructions less.
    Alone(SeenAt),
    Number,
    /// `true`, `false` or `null`.
    Word,
    Open {
        array: bool,
    },
    Close {
        array: bool,
    },
    /// An element of an array in which there is nothing.
    Passed,
}

/// A container that is open, or what stands around all of a value.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// How many tokens there were before its name.
    before: u32,
    /// The place of the token that opens it.
    open: u32,
    array: bool,
    /// What its name says holds for all that is in it, so nothing is left out.
    all: bool,
    /// There is something in it that a rule has an interest in.
    matters: bool,
    /// A member may say what another is.
    labels: bool,
    /// A member is one that another may say something of, and so is the container itself.
    labelled: bool,
    is_labelled: bool,
    /// There are strings in it that stand alone: they are kept when it is left out.
    alone: bool,
}

/// A name whose value comes next.
#[derive(Clone, Copy, Debug)]
struct Pending {
    from: u32,
    to: u32,
    said: Option<(Kind, Role)>,
    escaped: bool,
    interest: Interest,
}

impl Pending {
    fn token(&self) -> Token {
        Token {
            what: What::Name {
                escaped: self.escaped,
            },
            said: self.said,
            from: self.from,
            to: self.to,
        }
    }
}

/// The tokens of an event.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    tokens: Vec<Token>,
    /// Of the strings among them.
    pub(crate) masks: MaskMemory,
    around: Vec<Level>,
    innermost: Level,
    name: Option<Pending>,
    /// How many tokens stand before those of the value.
    first: usize,
}

/// The tokens of a value that was written before its event. Without them, a typical call that is started and finished
/// takes 10 540 instructions more (of 27 360).
#[derive(Debug, Default)]
pub(crate) struct Kept {
    tokens: Vec<Token>,
    masks: MaskMemory,
    /// Whose rules judged the names among them; 0 is nobody, and nothing was kept.
    rules: u32,
}

impl Kept {
    /// The memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.tokens.capacity() * size_of::<Token>() + self.masks.bytes()
    }
}

/// A place in a tape to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    tokens: usize,
    around: usize,
    innermost: Level,
    name: Option<Pending>,
}

/// A number of fewer digits is no card.
const MIN_CARD: usize = 13;

/// Writes the names, values and containers of an event into its tape.
#[derive(Debug)]
pub(crate) struct Recorder<'b> {
    pub(crate) tape: &'b mut Tape,
    pub(crate) known: &'b Known,
    /// What labels say that stand in the values of members.
    pub(crate) labels: &'b Known,
    /// Whose rules judged the names and labels that are known.
    pub(crate) rules: u32,
}

impl Recorder<'_> {
    /// The name of a member, whose content stands at `place` of the event, and from `from` on in `text`. Returns its place
    /// among the names that are known, if it is one of them.
    #[inline(always)]
    pub(crate) fn name(
        &mut self,
        text: &[u8],
        from: usize,
        place: (usize, usize),
        escaped: bool,
    ) -> Option<usize> {
        let to = from + place.1 - place.0;
        let key = if escaped {
            None
        } else {
            Key::of(text, from, to)
        };
        let known = key.and_then(|key| self.known_name(&key, place));
        if known.is_none() {
            self.tape.name = Some(Pending {
                from: place.0 as u32,
                to: place.1 as u32,
                said: None,
                escaped,
                // What is not known is looked into.
                interest: Interest::Always,
            });
        }
        known
    }

    /// The same of a name of fewer than sixteen bytes, which are given with zeros behind them, if it is known: it needs
    /// no escape then.
    #[inline(always)]
    pub(crate) fn short_name(&mut self, sixteen: u128, place: (usize, usize)) -> Option<usize> {
        let key = Key::of_short(sixteen, place.1 - place.0)?;
        self.known_name(&key, place)
    }

    #[inline(always)]
    fn known_name(&mut self, key: &Key, (from, to): (usize, usize)) -> Option<usize> {
        let (said, interest) = self.known.interest(key, self.rules)?;
        self.tape.name = Some(Pending {
            from: from as u32,
            to: to as u32,
            said: Some(said),
            escaped: false,
            interest,
        });
        Some(key.place)
    }

    /// A string whose content stands at `place` of the event, and from `from` on in `text`.
    #[inline(always)]
    pub(crate) fn string(&mut self, text: &[u8], from: usize, place: (usize, usize), seen: Seen) {
        let of = (from, from + place.1 - place.0);
        if seen == Seen::Quiet
            && let Some(Pending { interest, said, .. }) = self.tape.name
            && interest == Interest::Label
            && self.says_nothing(said, text, of)
            && let Some(name) = &mut self.tape.name
        {
            name.interest = Interest::Beside;
        }
        if let Seen::Masks(masks) = seen
            && self.tape.is_alone()
            // A number may be an id, as its name says.
            && !at(text, from).is_ascii_digit()
        {
            self.tape.alone(place, masks);
        } else {
            self.tape.string(place, seen);
        }
    }

    /// Whether a string under the name of a label is none, or one that is known to say nothing. What stands beside it is of
    /// no interest then: 1 500 instructions less of an event with two such objects.
    fn says_nothing(
        &self,
        said: Option<(Kind, Role)>,
        text: &[u8],
        (from, to): (usize, usize),
    ) -> bool {
        match said {
            Some((_, Role::Label)) => {
                let key = Key::of(text, from, to);
                let known = key.and_then(|key| self.labels.get(&key, self.rules));
                known.is_some_and(|(kind, _)| kind == Kind::Plain)
            }
            Some((_, role)) => !names_beside(role, part(text, from, to)),
            None => false,
        }
    }
}

impl Tape {
    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.tokens.shrink_to(KEEP_BYTES / size_of::<Token>());
        self.masks.trim(KEEP_BYTES);
        self.end();
    }

    /// Nothing is open any more.
    fn end(&mut self) {
        self.around.clear();
        self.innermost = Level::default();
        self.name = None;
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            tokens: self.tokens.len(),
            around: self.around.len(),
            innermost: self.innermost,
            name: self.name,
        }
    }

    /// Forgets what came since. Containers that were open then must still be open.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.tokens.truncate(mark.tokens);
        self.around.truncate(mark.around);
        self.innermost = mark.innermost;
        self.name = mark.name;
    }

    /// A value begins whose tokens follow.
    pub(crate) fn begin(&mut self) {
        self.end();
        self.first = self.tokens.len();
    }

    /// The tokens since the last value began.
    pub(crate) fn begun(&self) -> SpanSeen {
        let (first, end) = (self.first as u32, self.tokens.len() as u32);
        if first == end {
            SpanSeen::Quiet
        } else {
            SpanSeen::Tokens { first, end }
        }
    }

    /// Copies the tokens of a value, the only one on the tape, as long as they take no more than `most` bytes.
    pub(crate) fn keep_in(&self, seen: SpanSeen, kept: &mut Kept, rules: u32, most: usize) {
        kept.rules = 0;
        kept.tokens.clear();
        kept.masks.clear();
        let Some(tokens) = self.of(seen) else {
            return;
        };
        let bytes = size_of_val(tokens) + self.masks.len() * 24;
        if bytes <= most {
            kept.rules = rules;
            kept.tokens.extend_from_slice(tokens);
            kept.masks.append(&self.masks);
        }
    }

    /// The value whose tokens were kept begins at `at`, unless other rules judged its names.
    pub(crate) fn append(&mut self, kept: &Kept, rules: u32, at: usize) -> SpanSeen {
        if kept.rules != rules {
            return SpanSeen::Unseen;
        }
        self.begin();
        let at = at as u32;
        let before = self.masks.append(&kept.masks);
        self.tokens.extend(kept.tokens.iter().map(|&token| {
            let is_open = matches!(token.what, What::Open { .. });
            Token {
                what: match token.what {
                    What::String(Seen::Masks(at)) => What::String(Seen::Masks(at.behind(before))),
                    What::Alone(at) => What::Alone(at.behind(before)),
                    what => what,
                },
                from: token.from + at,
                to: token.to + if is_open { 0 } else { at },
                ..token
            }
        }));
        self.begun()
    }

    /// The tokens of a value, if they were kept.
    pub(crate) fn of(&self, seen: SpanSeen) -> Option<&[Token]> {
        match seen {
            SpanSeen::Tokens { first, end } => self.tokens.get(first as usize..end as usize),
            SpanSeen::Quiet => Some(&[]),
            SpanSeen::Unseen => None,
        }
    }

    /// A value that is no container; `matters` by itself, whatever its name says.
    #[inline(always)]
    fn value(&mut self, what: What, place: (usize, usize), matters: bool) {
        let speaks = self
            .name
            .is_some_and(|name| name.interest != Interest::None);
        let level = &self.innermost;
        if matters || speaks || level.array || level.all {
            self.keep(Token::new(what, place), matters);
        }
    }

    #[inline(never)]
    fn keep(&mut self, token: Token, matters: bool) {
        self.innermost.matters |= matters;
        if let Some(name) = &self.name {
            match name.interest {
                Interest::Always => self.innermost.matters = true,
                Interest::Label => {
                    self.innermost.labels |= matches!(token.what, What::String(_));
                }
                Interest::Labelled => self.innermost.labelled = true,
                Interest::Beside | Interest::None => {}
            }
            self.tokens.push(name.token());
            self.name = None;
        }
        self.tokens.push(token);
    }

    /// Whether nothing says anything of a string that is written now: its name is known to say nothing, and
    /// so are those of the containers around it.
    #[inline(always)]
    fn is_alone(&self) -> bool {
        let Level { array, all, .. } = self.innermost;
        let is_silent = |name: &Pending| name.interest == Interest::None;
        !array && !all && self.name.as_ref().is_some_and(is_silent)
    }

    /// A string that stands alone.
    #[inline(never)]
    fn alone(&mut self, place: (usize, usize), masks: SeenAt) {
        self.name = None;
        self.innermost.alone = true;
        self.tokens.push(Token::new(What::Alone(masks), place));
    }

    /// Leaves out the tokens from `from` on, but for strings that stand alone. Were those of each container kept, a
    /// typical event would take 2 970 instructions more (of 21 900).
    #[inline(always)]
    fn leave_out(&mut self, from: usize, has_alone: bool) {
        if has_alone {
            self.leave_alone(from);
        } else {
            self.tokens.truncate(from);
        }
    }

    /// Goes over a string once for each container around it, of which [`max_depth`](crate::limits) allows few.
    #[inline(never)]
    fn leave_alone(&mut self, from: usize) {
        let mut kept = from;
        for index in from..self.tokens.len() {
            let Some(&token) = self.tokens.get(index) else {
                break;
            };
            if let What::Alone(_) = token.what
                && let Some(slot) = self.tokens.get_mut(kept)
            {
                *slot = token;
                kept += 1;
            }
        }
        self.tokens.truncate(kept);
    }

    /// A string whose content stands at `place`.
    #[inline]
    pub(crate) fn string(&mut self, place: (usize, usize), seen: Seen) {
        self.value(What::String(seen), place, seen != Seen::Quiet);
    }

    #[inline]
    pub(crate) fn number(&mut self, (from, to): (usize, usize)) {
        self.value(What::Number, (from, to), to - from >= MIN_CARD);
    }

    #[inline]
    pub(crate) fn word(&mut self, place: (usize, usize)) {
        self.value(What::Word, place, false);
    }

    /// An object or array begins at `at`. Containers are opened and closed at one place of the writer: a call costs a fifth
    /// as much as what it does.
    #[inline(always)]
    pub(crate) fn open(&mut self, at: usize, array: bool) {
        let before = self.tokens.len() as u32;
        let name = self.name.take();
        let outer = self.innermost;
        if let Some(name) = name {
            self.tokens.push(name.token());
        }
        let interest = name.map_or(Interest::None, |name| name.interest);
        self.innermost = Level {
            before,
            open: self.tokens.len() as u32,
            array,
            // Cells of a row go by the names of their columns.
            all: outer.all
                || outer.array && array
                || match interest {
                    Interest::None => false,
                    Interest::Labelled => outer.labels,
                    Interest::Beside | Interest::Label | Interest::Always => true,
                },
            is_labelled: interest == Interest::Labelled,
            ..Level::default()
        };
        self.tokens.push(Token::new(What::Open { array }, (at, at)));
        self.around.push(outer);
    }

    /// The innermost container ends before `end`.
    #[inline(always)]
    pub(crate) fn close(&mut self, end: usize) {
        let level = self.innermost;
        let Some(outer) = self.around.pop() else {
            return;
        };
        self.innermost = outer;
        self.innermost.alone |= level.alone;
        self.name = None;
        let matters = level.all || level.matters || level.labels && level.labelled;
        if matters || level.is_labelled {
            self.innermost.matters |= matters;
            self.innermost.labelled |= level.is_labelled;
            if !matters {
                // A label may follow that hides all of it.
                self.leave_out(level.open as usize + 1, level.alone);
            }
            let place = (self.tokens.len() - self.first) as u32;
            if let Some(open) = self.tokens.get_mut(level.open as usize) {
                open.to = place;
            }
            let array = level.array;
            self.tokens
                .push(Token::new(What::Close { array }, (end, end)));
            return;
        }
        self.leave_out(level.before as usize, level.alone);
        if outer.array {
            self.tokens.push(Token::new(What::Passed, (end, end)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::roles;

    const PLAIN: Option<(Kind, Role)> = Some((Kind::Plain, Role::Other));
    const LABEL: Option<(Kind, Role)> = Some((Kind::Plain, Role::Label));
    const VALUE: Option<(Kind, Role)> = Some((Kind::Plain, Role::Value));

    /// Names a member of no text in particular.
    fn name(tape: &mut Tape, said: Option<(Kind, Role)>) {
        let interest = said.map_or(Interest::Always, |(kind, role)| {
            roles::interest(b"", kind, role)
        });
        tape.name = Some(Pending {
            from: 0,
            to: 0,
            said,
            escaped: false,
            interest,
        });
    }

    fn kept(tape: &Tape) -> Vec<What> {
        let tokens = tape.of(tape.begun()).unwrap();
        tokens.iter().map(|token| token.what).collect()
    }

    const OBJECT: What = What::Open { array: false };
    const END: What = What::Close { array: false };
    const LIST: What = What::Open { array: true };
    const END_OF_LIST: What = What::Close { array: true };
    const NAME: What = What::Name { escaped: false };
    const HOT: Seen = Seen::Masks(SeenAt::FIRST);

    #[test]
    fn what_no_rule_has_an_interest_in_is_left_out() {
        let mut tape = Tape::default();
        tape.begin();
        tape.open(1, false);
        name(&mut tape, PLAIN);
        tape.string((2, 3), Seen::Quiet);
        name(&mut tape, PLAIN);
        tape.open(4, true);
        tape.string((5, 6), Seen::Quiet);
        tape.close(7);
        name(&mut tape, LABEL);
        tape.string((8, 9), Seen::Quiet);
        tape.close(10);
        assert_eq!(kept(&tape), []);
        tape.begin();
        tape.open(11, false);
        name(&mut tape, PLAIN);
        tape.number((12, 15));
        name(&mut tape, LABEL);
        tape.string((16, 17), Seen::Quiet);
        name(&mut tape, None);
        tape.word((18, 22));
        name(&mut tape, PLAIN);
        tape.string((23, 30), HOT);
        tape.close(31);
        let label = [NAME, What::String(Seen::Quiet)];
        let rest = [NAME, What::Word, NAME, What::String(HOT), END];
        assert_eq!(kept(&tape), [&[OBJECT], &label[..], &rest].concat());
        assert!(tape.of(SpanSeen::Unseen).is_none());
    }

    #[test]
    fn a_value_matters_beside_what_may_say_what_it_is() {
        for (beside, said, matters) in [
            (LABEL, "before", true),
            (LABEL, "behind", true),
            (VALUE, "before", false),
            (Some((Kind::Plain, Role::Operation)), "before", false),
        ] {
            let mut tape = Tape::default();
            tape.begin();
            tape.open(0, false);
            if said == "before" {
                name(&mut tape, beside);
                tape.string((2, 3), Seen::Quiet);
            }
            name(&mut tape, VALUE);
            tape.open(4, true);
            tape.string((5, 6), Seen::Quiet);
            tape.close(7);
            if said == "behind" {
                name(&mut tape, beside);
                tape.string((8, 9), Seen::Quiet);
            }
            tape.close(10);
            let value = [NAME, LIST, What::String(Seen::Quiet), END_OF_LIST];
            let label = [NAME, What::String(Seen::Quiet)];
            let expected = match (said, matters) {
                ("before", true) => [&[OBJECT], &label[..], &value, &[END]].concat(),
                // Nothing in it was of interest while it was written.
                ("behind", true) => {
                    let [name, list, _, end] = value;
                    [&[OBJECT, name, list, end], &label[..], &[END]].concat()
                }
                _ => vec![],
            };
            assert_eq!(kept(&tape), expected, "{beside:?} {said}");
        }
    }

    #[test]
    fn a_label_that_is_known_to_say_nothing_is_none() {
        let (known, mut labels) = (Known::default(), Known::default());
        let text = b"amount, of which none is a secret";
        let key = Key::of(text, 0, 6).unwrap();
        labels.put(&key, 1, (Kind::Plain, Role::Other), Interest::None);
        let key = Key::of(text, 8, 10).unwrap();
        labels.put(&key, 1, (Kind::Secret, Role::Other), Interest::None);
        let is_kept = |rules, (from, to): (usize, usize), role| {
            let mut tape = Tape::default();
            tape.begin();
            tape.open(0, false);
            name(&mut tape, Some((Kind::Plain, role)));
            let (known, labels) = (&known, &labels);
            let mut recorder = Recorder {
                tape: &mut tape,
                known,
                labels,
                rules,
            };
            recorder.string(text, from, (from, to), Seen::Quiet);
            name(&mut tape, VALUE);
            tape.number((12, 13));
            tape.close(14);
            !kept(&tape).is_empty()
        };
        assert!(!is_kept(1, (0, 6), Role::Label));
        assert!(is_kept(2, (0, 6), Role::Label), "other rules");
        assert!(is_kept(1, (8, 10), Role::Label), "a secret");
        assert!(is_kept(1, (11, 16), Role::Label), "not known");
        assert!(!is_kept(1, (0, 6), Role::Type), "no type of a secret");
        assert!(is_kept(1, (0, 6), Role::Element));
    }

    #[test]
    fn an_element_without_interest_leaves_its_place() {
        let mut tape = Tape::default();
        tape.begin();
        tape.open(0, true);
        for place in [1, 3] {
            tape.open(place, false);
            name(&mut tape, PLAIN);
            tape.word((place, place));
            tape.close(place + 1);
        }
        tape.string((5, 6), HOT);
        tape.close(7);
        let inside = [What::Passed, What::Passed, What::String(HOT)];
        let (open, close) = (What::Open { array: true }, What::Close { array: true });
        assert_eq!(kept(&tape), [&[open], &inside[..], &[close]].concat());
        let tokens = tape.of(tape.begun()).unwrap();
        assert_eq!(tokens[0].to, 4, "the place of its end");
    }

    #[test]
    fn a_string_of_which_nothing_around_it_says_anything_stands_alone() {
        const ALONE: What = What::Alone(SeenAt::FIRST);
        let (known, labels) = (Known::default(), Known::default());
        let text = b"key 4111111111111111";
        let string = |tape: &mut Tape, said, from| {
            name(tape, said);
            let (known, labels) = (&known, &labels);
            let mut recorder = Recorder {
                tape,
                known,
                labels,
                rules: 1,
            };
            recorder.string(text, from, (from, text.len()), HOT);
        };
        let within = |said: &[(Option<(Kind, Role)>, bool)], write: &dyn Fn(&mut Tape)| {
            let mut tape = Tape::default();
            tape.begin();
            tape.open(0, false);
            for &(said, array) in said {
                name(&mut tape, said);
                tape.open(0, array);
            }
            write(&mut tape);
            (0..=said.len()).for_each(|_| tape.close(30));
            kept(&tape)
        };
        let hot = |tape: &mut Tape| string(tape, PLAIN, 0);
        assert_eq!(within(&[(PLAIN, false)], &hot), [ALONE]);
        // An element leaves its place, and a label that follows may hide all of what it labels.
        let rows = [(PLAIN, true), (PLAIN, false)];
        let in_rows = |tape: &mut Tape| {
            hot(tape);
            tape.close(28);
            tape.string((1, 2), HOT);
            tape.open(29, false);
        };
        let row = [ALONE, What::Passed, What::String(HOT), What::Passed];
        let expected = [&[OBJECT, NAME, LIST], &row[..], &[END_OF_LIST, END]].concat();
        assert_eq!(within(&rows, &in_rows), expected);
        let labelled = |tape: &mut Tape| {
            name(tape, VALUE);
            tape.open(2, false);
            hot(tape);
            tape.close(9);
            name(tape, LABEL);
            tape.string((1, 2), Seen::Quiet);
        };
        let value = [NAME, OBJECT, ALONE, END];
        let label = [NAME, What::String(Seen::Quiet)];
        let expected = [&[OBJECT], &value[..], &label, &[END]].concat();
        assert_eq!(within(&[], &labelled), expected);
        // A name that says something, of the string or of all in a container, and a number, which may be an id.
        let one = [OBJECT, NAME, What::String(HOT), END];
        let number = |tape: &mut Tape| string(tape, PLAIN, 4);
        assert_eq!(within(&[], &number), one);
        let named = |tape: &mut Tape| string(tape, None, 0);
        assert_eq!(within(&[], &named), one);
        let nested = [&[OBJECT, NAME], &one[..], &[END]].concat();
        assert_eq!(within(&[(None, false)], &hot), nested);
    }

    #[test]
    fn what_was_kept_moves_to_where_its_value_is_written() {
        let (mut first, mut kept_of_it, mut tape) =
            (Tape::default(), Kept::default(), Tape::default());
        first.begin();
        first.open(0, true);
        first.string((2, 9), HOT);
        first.close(11);
        first.keep_in(first.begun(), &mut kept_of_it, 7, 10);
        let seen = tape.append(&kept_of_it, 7, 100);
        assert_eq!(
            seen,
            SpanSeen::Unseen,
            "it would have taken more than ten bytes"
        );
        first.keep_in(first.begun(), &mut kept_of_it, 7, 1_000);
        let seen = tape.append(&kept_of_it, 8, 100);
        assert_eq!(seen, SpanSeen::Unseen, "other rules");
        let seen = tape.append(&kept_of_it, 7, 100);
        let places: Vec<_> = tape
            .of(seen)
            .unwrap()
            .iter()
            .map(|token| token.place())
            .collect();
        assert_eq!(places, [(100, 2), (102, 109), (111, 111)]);
    }

    #[test]
    fn a_tape_goes_back_to_a_mark_and_what_was_open_then_is_open() {
        let mut tape = Tape::default();
        tape.begin();
        tape.open(0, true);
        tape.string((1, 2), HOT);
        let mark = tape.mark();
        tape.open(3, false);
        name(&mut tape, None);
        tape.rewind(mark);
        tape.word((4, 8));
        tape.close(9);
        let (open, close) = (What::Open { array: true }, What::Close { array: true });
        assert_eq!(kept(&tape), [open, What::String(HOT), What::Word, close]);
    }
}
