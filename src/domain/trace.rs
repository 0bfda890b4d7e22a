//! Which trace a request belongs to: W3C Trace Context, <https://www.w3.org/TR/trace-context-1/>.

use std::fmt;

/// How many of the traces that begin here are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling(u32);

impl Sampling {
    pub const ALL: Self = Self(u32::MAX);

    /// Of all traces, 0 to 1; `None` for everything else.
    pub fn share(share: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and the largest u32"
        )]
        let most = || Self((share * f64::from(u32::MAX)) as u32);
        (0.0..=1.0).contains(&share).then(most)
    }

    /// Whether this one is; `dice` is rolled for each request, so that what a client sends decides nothing.
    const fn takes(self, dice: u32) -> bool {
        self.0 != 0 && dice <= self.0
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self::ALL
    }
}

/// A request's place in a trace. The request is one span; asking the upstream is another, below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    pub id: [u8; 16],
    /// The caller's span; `None`: the trace begins here.
    pub parent: Option<[u8; 8]>,
    pub span: [u8; 8],
    pub upstream_span: [u8; 8],
    /// To be recorded, by us and by whom we call.
    pub sampled: bool,
}

/// Random bytes for a request's place.
pub const SEED: usize = 36;

impl Trace {
    /// Begins a trace, or goes on with that of a `traceparent`. `heeded`: the caller is a proxy of the operator's,
    /// who has decided whether it is recorded. Anybody else could make us record everything.
    pub fn of(header: Option<&[u8]>, heeded: bool, sampling: Sampling, seed: [u8; SEED]) -> Self {
        let mut id = piece::<16>(&seed, 0);
        // all zeros mean "invalid"
        id[15] |= u8::from(id == [0; 16]);
        let parent = header.and_then(Parent::parse);
        let sampled = match parent {
            Some(parent) if heeded => parent.sampled,
            Some(_) | None => sampling.takes(u32::from_be_bytes(piece(&seed, 32))),
        };
        Self {
            id: parent.map_or(id, |p| p.trace),
            parent: parent.map(|p| p.span),
            span: piece(&seed, 16),
            upstream_span: piece(&seed, 24),
            sampled,
        }
    }

    /// The `traceparent` for the upstream.
    pub fn header(&self) -> [u8; 55] {
        let mut out = *b"00-00000000000000000000000000000000-0000000000000000-00";
        hex(&mut out, 3, &self.id);
        hex(&mut out, 36, &self.upstream_span);
        out[54] = b'0' + u8::from(self.sampled);
        out
    }
}

/// The id of the trace, as logs have it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut id = [0; 32];
        hex(&mut id, 0, &self.id);
        f.write_str(std::str::from_utf8(&id).unwrap_or_default())
    }
}

#[derive(Clone, Copy)]
struct Parent {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

impl Parent {
    /// `00-{trace}-{span}-{flags}`, lower case. A later version may have more after the flags (3.2.4).
    fn parse(header: &[u8]) -> Option<Self> {
        let (version, rest) = field::<1>(header)?;
        let (trace, rest) = field::<16>(rest.strip_prefix(b"-")?)?;
        let (span, rest) = field::<8>(rest.strip_prefix(b"-")?)?;
        let (flags, rest) = field::<1>(rest.strip_prefix(b"-")?)?;
        let ends = match version {
            [0xff] => false,
            [0] => rest.is_empty(),
            [_] => rest.is_empty() || rest.starts_with(b"-"),
        };
        let valid = ends && trace != [0; 16] && span != [0; 8];
        valid.then_some(Self {
            trace,
            span,
            sampled: flags[0] & 1 == 1,
        })
    }
}

/// `N` bytes in lower-case hexadecimal, and what follows.
fn field<const N: usize>(text: &[u8]) -> Option<([u8; N], &[u8])> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (digits, rest) = text.split_at_checked(N * 2)?;
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some((bytes, rest))
}

fn hex(out: &mut [u8], from: usize, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    for (slot, digit) in out.iter_mut().skip(from).zip(digits) {
        *slot = DIGITS.get(usize::from(digit)).copied().unwrap_or_default();
    }
}

fn piece<const N: usize>(seed: &[u8; SEED], from: usize) -> [u8; N] {
    let mut piece = [0; N];
    for (slot, byte) in piece.iter_mut().zip(seed.iter().skip(from)) {
        *slot = *byte;
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(header: &str, heeded: bool, share: f64) -> Trace {
        let seed = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let sampling = Sampling::share(share).unwrap();
        Trace::of(Some(header.as_bytes()), heeded, sampling, seed)
    }

    #[test]
    fn a_trace_goes_on_and_one_that_is_none_begins() {
        let trace = of(GIVEN, false, 1.0);
        assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(
            trace.parent,
            Some([0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7])
        );
        assert_eq!(
            std::str::from_utf8(&trace.header()).unwrap(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-18191a1b1c1d1e1f-01"
        );
        let begun = "000102030405060708090a0b0c0d0e0f";
        for wrong in [
            "",
            "00",
            &GIVEN.to_uppercase(),
            &GIVEN[..54],
            &format!("{GIVEN}-more"),
            &GIVEN.replacen("00-", "ff-", 1),
            &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GIVEN.replace('-', "_"),
            &GIVEN.replace('4', "é"),
        ] {
            let trace = of(wrong, true, 0.0);
            assert_eq!(
                (trace.to_string().as_str(), trace.parent),
                (begun, None),
                "{wrong}"
            );
        }
        for later in [
            GIVEN.replacen("00-", "01-", 1),
            format!("{}-more", GIVEN.replacen("00-", "cc-", 1)),
        ] {
            assert!(of(&later, true, 0.0).parent.is_some(), "{later}");
        }
    }

    #[test]
    fn only_the_operators_proxies_say_what_is_recorded() {
        let not = GIVEN.replace("-01", "-00");
        assert!(of(GIVEN, true, 0.0).sampled);
        assert!(!of(&not, true, 1.0).sampled);
        assert!(!of(GIVEN, false, 0.0).sampled);
        assert!(of(&not, false, 1.0).sampled);
        // the dice of these tests are 0x20212223: an eighth
        assert!(!of(GIVEN, false, 0.12).sampled);
        assert!(of(GIVEN, false, 0.13).sampled);
    }

    #[test]
    fn shares_are_from_nothing_to_all() {
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Sampling::share(wrong), None);
        }
        assert!(!Sampling::share(0.0).unwrap().takes(0));
        assert!(Sampling::share(1.0).unwrap().takes(u32::MAX));
    }
}
