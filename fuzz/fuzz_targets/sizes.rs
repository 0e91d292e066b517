//! The parser of `784-128-10`: it never panics, takes nothing but sizes, and what it takes it prints and takes again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxm_count::Sizes;

/// What the parser should take, by its definition: two or more decimal numbers from 1 to 2⁶⁴ − 1, joined by "-".
fn expected(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &&str| {
        let digits = !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten().filter(|size| *size > 0)
    };
    let sizes: Vec<u64> = parts.iter().map(number).collect::<Option<_>>()?;
    (sizes.len() >= 2).then_some(sizes)
}

fuzz_target!(|text: &str| {
    match text.parse::<Sizes>() {
        Ok(sizes) => {
            assert_eq!(Some(sizes.as_slice().to_vec()), expected(text));
            assert_eq!(sizes.to_string().parse(), Ok(sizes));
        }
        Err(error) => {
            assert_eq!(expected(text), None, "{text:?} was refused: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
});
