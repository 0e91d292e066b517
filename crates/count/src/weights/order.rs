//! In which order layers stand behind each other, as far as their names and sizes say.
//!
//! Names are a tree of their numbers and the texts between them. Of two names whose first difference is a number, the smaller one is first
//! (2 before 10). Texts say nothing: "decoder" may well be behind "encoder". So what a text stands for is kept together, and every order
//! of such blocks is tried that fits: the inputs of a layer are the outputs of the one before.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// How many places in the tree are looked at before the search is given up. A million numbered layers would need no more.
const LOOKS: usize = 1 << 22;
/// How many pieces of a name are told apart, which bounds the tree; the rest is one text.
const PIECES: usize = 8;

/// Outputs and inputs.
pub(super) type LayerSize = [usize; 2];

/// What is to be said of an order: each layer by its place in the list that was asked about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// All orders that fit have the same sizes as this one.
    One(Vec<usize>),
    /// Two that fit and have other sizes.
    Two([Vec<usize>; 2]),
    /// None fits.
    None,
    /// There are too many to try.
    Unknown,
}

/// Finds the order of layers of these names, which are sorted by [`natural`], and shapes.
pub(super) fn order(names: &[&str], shapes: &[LayerSize]) -> Order {
    let mut search = Search { nodes: tree(names), shapes, looks: LOOKS };
    search.run().unwrap_or(Order::Unknown)
}

/// Names that begin alike.
struct Node {
    parent: usize,
    /// Its parts that begin with a number, by their value.
    numbers: Vec<usize>,
    /// Its parts that begin with a text or end here.
    texts: Vec<usize>,
    /// The first of its layers.
    first: usize,
    /// How many layers it has; 1 if it is one.
    layers: usize,
    /// How many of them have no place yet.
    left: usize,
    leaf: bool,
}

/// The tree of sorted names: a leaf for each layer, behind the root and its other nodes.
fn tree(names: &[&str]) -> Vec<Node> {
    let new = |parent, first, leaf| Node {
        parent,
        numbers: Vec::new(),
        texts: Vec::new(),
        first,
        layers: usize::from(leaf),
        left: usize::from(leaf),
        leaf,
    };
    let mut nodes = vec![new(0, 0, false)];
    // Where the name before went.
    let mut before: Vec<(Piece<'_>, usize)> = Vec::new();
    for (layer, name) in names.iter().enumerate() {
        let (mut node, mut depth) = (0, 0);
        for piece in pieces(name, PIECES) {
            match before.get(depth) {
                Some((same, next)) if *same == piece => node = *next,
                _ => {
                    before.truncate(depth);
                    let next = nodes.len();
                    nodes.push(new(node, layer, false));
                    match piece {
                        Piece::Number(..) => nodes[node].numbers.push(next),
                        Piece::Text(_) => nodes[node].texts.push(next),
                    }
                    before.push((piece, next));
                    node = next;
                }
            }
            depth += 1;
        }
        before.truncate(depth);
        let leaf = nodes.len();
        nodes.push(new(node, layer, true));
        nodes[node].texts.push(leaf);
    }
    // Parents are before their parts.
    for node in (1..nodes.len()).rev() {
        let (parent, layers) = (nodes[node].parent, nodes[node].layers);
        nodes[parent].layers += layers;
        nodes[parent].left += layers;
    }
    nodes
}

struct Search<'a> {
    nodes: Vec<Node>,
    shapes: &'a [LayerSize],
    looks: usize,
}

impl Search<'_> {
    /// Follows the chain, and goes back where it ends too early. `None`: given up.
    fn run(&mut self) -> Option<Order> {
        let mut found: Option<Vec<usize>> = None;
        // Leaves in their order so far, and at each place which others there are.
        let mut order: Vec<usize> = Vec::new();
        let mut choices = vec![self.choices(0, None)?.into_iter()];
        while let Some(others) = choices.last_mut() {
            let Some(leaf) = others.next() else {
                choices.pop();
                if let Some(leaf) = order.pop() {
                    self.give_back(leaf);
                }
                continue;
            };
            order.push(leaf);
            let from = self.take(leaf);
            if order.len() == self.shapes.len() {
                self.looks = self.looks.checked_sub(order.len())?;
                let order: Vec<usize> = order.iter().map(|leaf| self.nodes[*leaf].first).collect();
                match found.take() {
                    Some(found) if found.iter().zip(&order).any(|(a, b)| self.shapes[*a] != self.shapes[*b]) => {
                        return Some(Order::Two([found, order]));
                    }
                    Some(same) => found = Some(same),
                    None => found = Some(order),
                }
            }
            let [outputs, _] = self.shapes[self.nodes[leaf].first];
            choices.push(self.choices(from, Some(outputs))?.into_iter());
        }
        Some(found.map_or(Order::None, Order::One))
    }

    /// Leaves in this part of the tree that may be next.
    fn choices(&mut self, from: usize, inputs: Option<usize>) -> Option<Vec<usize>> {
        let (mut fit, mut open) = (Vec::new(), vec![from]);
        while let Some(at) = open.pop() {
            let node = &self.nodes[at];
            self.looks = self.looks.checked_sub(1 + node.texts.len())?;
            if node.leaf {
                if node.left > 0 && inputs.is_none_or(|inputs| self.shapes[node.first][1] == inputs) {
                    fit.push(at);
                }
                continue;
            }
            let begin = open.len();
            // They are taken one by one.
            let next = node.numbers.partition_point(|part| self.nodes[*part].left == 0);
            open.extend(node.numbers.get(next));
            // Of single layers of one shape, any may stand for the others.
            let mut seen = BTreeSet::new();
            open.extend(node.texts.iter().filter(|part| match &self.nodes[**part] {
                Node { left: 0, .. } => false,
                Node { layers: 1, first, .. } => seen.insert(self.shapes[*first]),
                _ => true,
            }));
            open[begin..].reverse();
        }
        Some(fit)
    }

    /// Gives a leaf its place; returns the part of the tree that must be finished next.
    fn take(&mut self, leaf: usize) -> usize {
        let (mut at, mut unfinished) = (leaf, None);
        loop {
            let node = &mut self.nodes[at];
            node.left -= 1;
            if unfinished.is_none() && node.left > 0 {
                unfinished = Some(at);
            }
            if at == 0 {
                return unfinished.unwrap_or(0);
            }
            at = node.parent;
        }
    }

    fn give_back(&mut self, leaf: usize) {
        let mut at = leaf;
        loop {
            self.nodes[at].left += 1;
            if at == 0 {
                return;
            }
            at = self.nodes[at].parent;
        }
    }
}

/// A name without its numbers, as "encoder.*".
pub(super) fn group(name: &str) -> String {
    let pieces = pieces(name, usize::MAX).map(|piece| match piece {
        Piece::Number(..) => "*",
        Piece::Text(text) => text,
    });
    let group: String = pieces.collect();
    group.trim_end_matches('.').to_owned()
}

/// Compares names piece by piece: digits as a number of any length, the rest as text. Names that differ only in leading zeros are in
/// the order of their text.
pub(super) fn natural(one: &str, other: &str) -> Ordering {
    pieces(one, usize::MAX).cmp(pieces(other, usize::MAX)).then(one.cmp(other))
}

/// A number without leading zeros, shorter ones first, or a text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Number(usize, &'a str),
    Text(&'a str),
}

/// The pieces of a name; the last of `most` is all that is left.
fn pieces(mut name: &str, most: usize) -> impl Iterator<Item = Piece<'_>> {
    let mut left = most;
    std::iter::from_fn(move || {
        left = left.saturating_sub(1);
        let digit = |c: char| c.is_ascii_digit();
        let number = name.starts_with(digit) && left > 0;
        let end = name.find(|c| digit(c) != number).filter(|_| left > 0).unwrap_or(name.len());
        let (piece, rest) = name.split_at(end);
        name = rest;
        match number {
            true => {
                let value = piece.trim_start_matches('0');
                Some(Piece::Number(value.len(), value))
            }
            false => (!piece.is_empty()).then_some(Piece::Text(piece)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_their_value() {
        let long = format!("1{}", "0".repeat(50));
        let names =
            ["", "0.", "1.", "2.", "10.", &long, "fc1.", "fc1.5.", "fc1a.", "fc2.", "fc10.", "net.2.", "net.010."];
        for (i, one) in names.iter().enumerate() {
            for (j, other) in names.iter().enumerate() {
                assert_eq!(natural(one, other), i.cmp(&j), "{one:?} {other:?}");
            }
        }
        assert_eq!(natural("a01", "a1"), Ordering::Less);
    }
    /// The order of layers of these names, inputs and outputs, each sizes as a text.
    fn found(layers: &[(&str, usize, usize)]) -> Result<String, [String; 2]> {
        let mut layers = layers.to_vec();
        layers.sort_by(|one, other| natural(one.0, other.0));
        let names: Vec<&str> = layers.iter().map(|layer| layer.0).collect();
        let shapes: Vec<LayerSize> = layers.iter().map(|layer| [layer.2, layer.1]).collect();
        let text = |order: Vec<usize>| order.iter().map(|l| names[*l]).collect::<Vec<_>>().join(" ");
        match order(&names, &shapes) {
            Order::One(order) => Ok(text(order)),
            Order::Two(orders) => Err(orders.map(text)),
            other => Err([format!("{other:?}"), String::new()]),
        }
    }

    #[test]
    fn texts_are_in_the_order_that_fits() {
        let found_one = |layers: &[_], order: &str| assert_eq!(found(layers), Ok(order.to_owned()));
        let found_two = |layers: &[_], orders: [&str; 2]| assert_eq!(found(layers), Err(orders.map(str::to_owned)));
        found_one(&[("fc1.", 1, 2), ("fc10.", 3, 4), ("fc2.", 2, 3), ("b.", 4, 5)], "fc1. fc2. fc10. b.");
        found_one(
            &[("encoder.0.", 9, 5), ("encoder.2.", 5, 2), ("decoder.0.", 2, 5), ("decoder.2.", 5, 7)],
            "encoder.0. encoder.2. decoder.0. decoder.2.",
        );
        found_two(
            &[("encoder.0.", 9, 5), ("encoder.2.", 5, 2), ("decoder.0.", 2, 5), ("decoder.2.", 5, 9)],
            ["decoder.0. decoder.2. encoder.0. encoder.2.", "encoder.0. encoder.2. decoder.0. decoder.2."],
        );
        // Blocks in blocks; what is before them says where they begin.
        let blocks = [("b.0.down.", 8, 4), ("b.0.up.", 4, 8), ("b.1.down.", 8, 4), ("b.1.up.", 4, 8)];
        found_two(&blocks, ["b.0.down. b.0.up. b.1.down. b.1.up.", "b.0.up. b.0.down. b.1.up. b.1.down."]);
        found_one(&[&blocks[..], &[("in.", 3, 4)]].concat(), "in. b.0.up. b.0.down. b.1.up. b.1.down.");
        // A block is not left before its end.
        found_one(
            &[
                ("body.0.", 6, 8),
                ("body.1.", 8, 6),
                ("head.0.", 6, 3),
                ("head.1.", 3, 6),
                ("head.2.", 6, 1),
                ("stem.", 9, 6),
            ],
            "stem. body.0. body.1. head.0. head.1. head.2.",
        );
        // Numbers are not turned, whatever fits.
        found_one(&[("0.", 2, 3), ("1.", 3, 2)], "0. 1.");
        assert_eq!(found(&[("0.", 3, 2), ("1.", 4, 3)]).unwrap_err()[0], "None");
        // Any order of these has the same sizes.
        found_one(
            &[("first.", 3, 3), ("second.", 3, 3), ("third.", 3, 3), ("01.", 1, 3), ("1.", 3, 3)],
            "01. 1. first. second. third.",
        );
        let same: Vec<String> = ('a'..='z').map(|c| format!("{c}.")).collect();
        found_one(&same.iter().map(|name| (name.as_str(), 3, 3)).collect::<Vec<_>>(), &same.join(" "));
    }

    #[test]
    fn searches_end() {
        let names: Vec<String> = (0..60_000).map(|i| format!("a{i}b{i}c{i}d{i}.")).collect();
        let layers: Vec<_> = names.iter().map(|name| (name.as_str(), 3, 3)).collect();
        assert_eq!(found(&layers), Ok(names.join(" ")));
        // Two layers each, that end where they begin: any order of any of them, and then one is left that does not fit.
        let names: Vec<String> = (0..60).map(|i| format!("{}{i}.", char::from(b'A' + i / 2))).collect();
        let mut layers: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(i, name)| if i % 2 == 0 { (name.as_str(), 3, i + 9) } else { (name.as_str(), i + 8, 3) })
            .collect();
        layers.push(("z.", 1, 2));
        assert_eq!(found(&layers).unwrap_err()[0], "Unknown");
    }

    #[test]
    fn groups_have_no_numbers() {
        for (name, expected) in
            [("encoder.0.", "encoder.*"), ("b.12.up.", "b.*.up"), ("fc1.", "fc*"), ("", ""), ("0.", "*")]
        {
            assert_eq!(group(name), expected);
        }
    }
}
