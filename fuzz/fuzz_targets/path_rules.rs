//! Access rules. A rule never allows a path that an origin of any kind could read as one outside of the rule.

#![no_main]

use gatehouse::core::access_rule::AccessRule;
use gatehouse::core::path::{NormalPath, PathPattern};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode;

/// What a server makes of the path of a request.
type Reading = fn(&[u8]) -> Vec<u8>;

/// How origins are known to read a path.
const ORIGINS: [Reading; 7] = [
    // Not at all, but for dots, as the URL standard has it.
    |path| String::from_utf8_lossy(path).replace("%2e", ".").replace("%2E", ".").into_bytes(),
    |path| percent_decode(path).collect(),
    // Twice: once in a proxy of their own.
    |path| percent_decode(&percent_decode(path).collect::<Vec<_>>()).collect(),
    // Windows.
    |path| decoded_and(path, |byte| if byte == b'\\' { b'/' } else { byte }),
    // Servlets: without path parameters, before and after decoding.
    |path| without_parameters(path),
    |path| without_parameters(&percent_decode(path).collect::<Vec<_>>()),
    // C: up to NUL.
    |path| percent_decode(path).take_while(|byte| *byte != 0).collect(),
];

fn decoded_and(path: &[u8], read: fn(u8) -> u8) -> Vec<u8> {
    percent_decode(path).map(read).collect()
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let segments = path.split(|byte| *byte == b'/').map(|segment| segment.split(|byte| *byte == b';').next().unwrap());
    percent_decode(&segments.collect::<Vec<_>>().join(&b'/')).collect()
}

/// The segments behind the first slash, dots resolved as file systems do, empty ones but the last left out.
fn segments(path: &[u8]) -> Vec<&[u8]> {
    let parts: Vec<_> = path.split(|byte| *byte == b'/').skip(1).collect();
    let (mut kept, count) = (Vec::new(), parts.len());
    for (place, part) in parts.into_iter().enumerate() {
        match part {
            b".." => drop(kept.pop()),
            b"." | b"" => {}
            other => {
                kept.push(other);
                continue;
            }
        }
        if place + 1 == count {
            kept.push(b"".as_slice());
        }
    }
    kept
}

/// Whether a pattern stands for a path, written anew from its documentation.
fn stands_for(pattern: &str, path: &[&[u8]]) -> bool {
    let mut wanted: Vec<_> = pattern.split('/').skip(1).collect();
    let rest = wanted.last() == Some(&"**");
    wanted.truncate(wanted.len() - usize::from(rest));
    let fits = |(wanted, found): (&&str, &&[u8])| match *wanted {
        "*" => !found.is_empty(),
        literal => percent_decode(literal.as_bytes()).eq(percent_decode(found)),
    };
    (if rest { path.len() > wanted.len() } else { path.len() == wanted.len() }) && wanted.iter().zip(path).all(fits)
}

// A rule, a line break, a path.
fuzz_target!(|text: &str| {
    let (rule, path) = text.split_once('\n').unwrap_or(("* /**", text));
    let normal = NormalPath::new(path);
    if let Some(unambiguous) = normal.unambiguous() {
        assert_eq!(NormalPath::new(unambiguous).unambiguous(), Some(unambiguous), "normal once is normal for good");
        assert!(PathPattern::parse("/**").unwrap().matches(&normal));
    }
    let Ok(rule) = AccessRule::parse(rule) else { return };
    let (method, pattern) = rule.as_str().split_once(' ').unwrap();
    assert_eq!(AccessRule::parse(rule.as_str()).as_ref(), Ok(&rule));
    let method = if method == "*" { "DELETE" } else { method };
    assert!(rule.allows(method, &NormalPath::new(pattern)), "a rule allows the path that it spells: {pattern}");
    assert!(rule.as_str().starts_with('*') || !rule.allows("OTHER-METHOD", &normal));
    if !rule.allows(method, &normal) {
        return;
    }
    for origin in ORIGINS {
        let read = origin(path.as_bytes());
        assert!(
            stands_for(pattern, &segments(&read)),
            "{rule:?} allows {path:?}, read as {:?}",
            String::from_utf8_lossy(&read)
        );
    }
});
