//! A place that can be changed, and its changes.

/// Methods of the token, with the variants that `runtime/mutant.rs` has for each: 1 drops the call, 2 makes it twice, 3 has the same value by
/// operations of another kind (memory is read or written without the token), 4 is its counterpart.
const CALLS: [(&str, &[u8]); 35] = [
    ("add", &[1, 2, 3, 4]),
    ("sub", &[1, 2, 3, 4]),
    ("mul", &[1, 2, 3, 4]),
    ("div", &[1, 2, 3, 4]),
    ("sqrt", &[1, 2, 3]),
    ("mul_add", &[1, 2, 3, 4]),
    ("neg_mul_add", &[1, 2, 3, 4]),
    ("max", &[1, 2, 4]),
    ("min", &[1, 2, 4]),
    ("lt", &[2, 4]),
    ("select", &[1, 4]),
    ("keep", &[1]),
    ("neg", &[1]),
    ("abs", &[1]),
    ("copy_sign", &[1]),
    ("bits_add", &[1, 4]),
    ("bits_sub", &[1, 4]),
    ("bits_and", &[1, 4]),
    ("bits_or", &[1, 4]),
    ("bits_to_exponent", &[1]),
    ("exponent_to_bits", &[1]),
    ("broadcast", &[1, 2, 3]),
    ("load", &[1, 2]),
    ("load_partial", &[1, 2]),
    ("load_partial_or", &[1, 2, 4]),
    ("load_widened", &[1, 2]),
    ("load_widened_partial_or", &[1, 2]),
    ("store", &[1, 2]),
    ("store_partial", &[1, 2]),
    ("copy", &[1, 2, 3]),
    ("fill", &[1, 2, 3]),
    ("narrow", &[1, 4]),
    ("inside", &[1]),
    ("transpose", &[1]),
    ("reduce_add_each", &[1, 2, 3, 4]),
];
/// The same of those that make a number of a vector: without them there is no number.
const REDUCTIONS: [(&str, &[u8]); 2] = [("reduce_add", &[2, 4]), ("reduce_max", &[2, 4])];

/// The variants of a method of the token; none if it has none.
pub fn variants_of_call(method: &str) -> Option<&'static [u8]> {
    CALLS.iter().chain(&REDUCTIONS).find(|(name, _)| *name == method).map(|(_, variants)| *variants)
}

/// What kind of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A call of the token in a kernel.
    Call,
    /// A bound of a loop.
    Bound,
    /// An integer constant of a formula.
    Constant,
    /// One that is written in `by-hand.json`.
    ByHand,
}

/// A place, whose number is its index.
#[derive(Clone, Debug)]
pub struct Site {
    /// From the workspace's root.
    pub file: String,
    /// What stands there, or the name of one that is written by hand.
    pub text: String,
    pub kind: Kind,
    pub variants: Vec<u8>,
    /// How many places before it in the file have the same text.
    pub same: usize,
}

/// A change of one place.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub site: usize,
    pub variant: u8,
    pub file: String,
    pub kind: Kind,
    /// Names it in the report: as long as the expression stands in its file, whatever else changes.
    pub name: String,
}

/// The mutants of all sites.
pub fn mutants(sites: &[Site]) -> Vec<Mutant> {
    let mutants = sites.iter().enumerate().flat_map(|(number, site)| {
        site.variants.iter().map(move |&variant| {
            let change = match (site.kind, variant) {
                (Kind::ByHand, _) => "",
                (Kind::Bound | Kind::Constant, 1) => " + 1",
                (Kind::Bound | Kind::Constant, _) => " - 1",
                (Kind::Call, 1) => ": dropped",
                (Kind::Call, 2) => ": doubled",
                (Kind::Call, 3) => ": another kind",
                (Kind::Call, _) => ": counterpart",
            };
            let same = if site.same > 0 { format!(" (#{})", site.same + 1) } else { String::new() };
            let name = format!("{}: {}{same}{change}", site.file, site.text);
            Mutant { site: number, variant, file: site.file.clone(), kind: site.kind, name }
        })
    });
    mutants.collect()
}
