//! A line search by the strong Wolfe conditions, step by step as PyTorch's: brackets, cubic interpolation, zoom.
//!
//! One thing is not PyTorch's: a loss that is NaN counts as infinite, and where an interpolation is no number, the middle is taken. PyTorch's
//! parameters become NaN there.
//!
//! All memory is taken before the first point is tried, so no search ends between two points for want of it.

use nxm_kernels::beside::{add, div, mul, sqrt, sub, widened};
use nxm_kernels::{Element, Executor};

use super::{STATE, add_scaled, largest, product};
use crate::buffer::zeros;
use crate::data::Batch;
use crate::error::NetError;
use crate::layer::{matrix, matrix_mut};
use crate::layout::LayerLayout;
use crate::network::Network;
use crate::step::Step;

/// A step is long enough if the loss falls by this share of what its slope promises.
const C1: f64 = 1e-4;
/// And flat enough if at most this share of the slope at its start is left.
const C2: f64 = 0.9;
/// Gradients that are needed at a time: where the line begins, at the two points of a bracket, and at the point that is tried.
const GRADIENTS: usize = 4;
/// Which of them is the gradient where a line begins.
pub(super) const HERE: usize = 0;

/// Memory for the points of lines, each as long as the parameters.
#[derive(Debug)]
pub(super) struct Room<T> {
    /// The parameters where a line begins, layer by layer, without padding. Norms have theirs, and running statistics are none.
    start: Vec<T>,
    /// Room for those that are tried. Between two searches it is anybody's.
    pub(super) here: Vec<T>,
    /// In the order of [`LayerLayout::places`].
    pub(super) gradients: [Vec<T>; GRADIENTS],
}

impl<T: Element> Room<T> {
    /// Vectors of so many numbers that it has.
    pub(super) const VECTORS: usize = 2 + GRADIENTS;

    pub(super) fn new(parameters: usize) -> Result<Room<T>, NetError> {
        let vector = || zeros(STATE, 1, parameters);
        let gradients = [vector()?, vector()?, vector()?, vector()?];
        Ok(Room { start: vector()?, here: vector()?, gradients })
    }
}

/// Where the loss is looked for: a network whose parameters are moved, and examples.
pub(super) struct Search<'a, T: Element> {
    pub(super) network: &'a mut Network<T>,
    pub(super) executor: &'a dyn Executor,
    pub(super) step: &'a mut Step<T>,
    pub(super) batch: Batch<'a, T>,
    pub(super) room: Room<T>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// t: it is t·d from the start.
    pub(super) length: f64,
    pub(super) loss: f64,
    /// g·d.
    pub(super) slope: f64,
    /// Which of the gradients is its own.
    pub(super) gradient: usize,
}

/// The point that was found, and how many were tried.
pub(super) struct Found {
    pub(super) point: Point,
    pub(super) evaluations: usize,
}

impl<T: Element> Search<'_, T> {
    /// Loss and gradient where the parameters are; the gradient becomes the one of this number. Of what a layer lacks nothing is there.
    pub(super) fn evaluate(&mut self, gradient: usize) -> Result<f64, NetError> {
        let loss = self.step.gradients_of(self.network, self.executor, self.batch)?;
        let layers = 0..self.network.layers().len();
        let mut to = &mut self.room.gradients[gradient][..];
        for part in layers.flat_map(|l| [self.step.weight_gradient(l), self.step.bias_gradient(l)]) {
            (0..part.rows()).for_each(|i| put(&mut to, part.row(i)));
        }
        Ok(widened(loss))
    }

    /// A line begins where the parameters are.
    pub(super) fn begin(&mut self) {
        let mut to = &mut self.room.start[..];
        let Network { layout, parameters } = &*self.network;
        for place in layout.layers.iter().flat_map(LayerLayout::places) {
            let numbers = matrix(parameters.as_slice(), place);
            (0..numbers.rows()).for_each(|i| put(&mut to, numbers.row(i)));
        }
    }

    /// Moves the parameters to start + t·d: 1 `axpy`.
    pub(super) fn go(&mut self, length: f64, direction: &[T]) {
        let Room { start, here, .. } = &mut self.room;
        here.copy_from_slice(start);
        add_scaled(self.executor, length, direction, here);
        set(self.network, here);
    }

    /// The point start + t·d: 1 `axpy`, the gradients, 1 `dot`. Its gradient becomes the one of this number.
    ///
    /// What a step may refuse, it refuses before a search begins. If it should refuse here, the parameters go back to the start.
    fn at(&mut self, length: f64, direction: &[T], gradient: usize) -> Result<Point, NetError> {
        self.go(length, direction);
        let loss = self.evaluate(gradient).inspect_err(|_| set(self.network, &self.room.start))?;
        let slope = product(self.executor, &self.room.gradients[gradient], direction);
        let loss = if loss.is_nan() { f64::INFINITY } else { loss };
        Ok(Point { length, loss, slope, gradient })
    }
}

/// Copies the numbers of a row to the beginning of `to`, which becomes what is behind them.
fn put<T: Copy>(to: &mut &mut [T], row: &[T]) {
    let (head, rest) = std::mem::take(to).split_at_mut(row.len());
    head.copy_from_slice(row);
    *to = rest;
}

/// Gives a network these parameters.
fn set<T: Element>(network: &mut Network<T>, mut from: &[T]) {
    let Network { layout, parameters } = network;
    for place in layout.layers.iter().flat_map(LayerLayout::places) {
        let mut numbers = matrix_mut(parameters.as_mut_slice(), place);
        for i in 0..place.layout.rows {
            let (head, rest) = from.split_at(place.layout.cols);
            numbers.row(i).copy_from_slice(head);
            from = rest;
        }
    }
}

/// The number of a gradient that none of these points has.
fn free(used: &[Point]) -> usize {
    let is_free = |number: &usize| used.iter().all(|point| point.gradient != *number);
    (0..GRADIENTS).find(is_free).expect("a gradient more than points that are needed")
}

/// A point with a loss that is low enough and a slope that is flat enough; where `most` trials find none, the lowest of those between which one
/// must be. `from` is the start, and `length` is tried first.
pub(super) fn strong_wolfe<T: Element>(
    search: &mut Search<'_, T>,
    direction: &[T],
    length: f64,
    from: Point,
    change_tolerance: f64,
    most: usize,
) -> Result<Found, NetError> {
    let is_high = |point: Point| point.loss > add(from.loss, mul(mul(C1, point.length), from.slope));
    let is_flat = |point: Point| point.slope.abs() <= mul(C2, from.slope.abs());
    let mut point = search.at(length, direction, free(&[from]))?;
    let (mut before, mut evaluations, mut trials, mut done) = (from, 1, 0, false);
    let mut bracket = loop {
        if trials >= most {
            break [from, point];
        }
        if is_high(point) || (trials > 1 && point.loss >= before.loss) {
            break [before, point];
        }
        if is_flat(point) {
            done = true;
            break [point, point];
        }
        if point.slope >= 0.0 {
            break [before, point];
        }
        // It still falls: further.
        let least = add(point.length, mul(0.01, sub(point.length, before.length)));
        let next = interpolated(before, point, [least, mul(point.length, 10.0)]);
        let gradient = free(&[from, before, point]);
        before = std::mem::replace(&mut point, search.at(next, direction, gradient)?);
        evaluations += 1;
        trials += 1;
    };

    let lower = |bracket: [Point; 2]| if bracket[0].loss <= bracket[1].loss { [0, 1] } else { [1, 0] };
    let [mut low, mut high] = lower(bracket);
    let (mut is_slow, widest) = (false, largest(direction));
    while !done && trials < most {
        let [one, other] = bracket.map(|point| point.length);
        if mul(sub(other, one).abs(), widest) < change_tolerance {
            break;
        }
        let (least, largest) = (one.min(other), one.max(other));
        let mut next = interpolated(bracket[0], bracket[1], [least, largest]);
        // Close to an end twice, or at it: a tenth away from it.
        let tenth = mul(0.1, sub(largest, least));
        let is_close = sub(largest, next).min(sub(next, least)) < tenth;
        if is_close && (is_slow || next >= largest || next <= least) {
            let at_largest = sub(next, largest).abs() < sub(next, least).abs();
            next = if at_largest { sub(largest, tenth) } else { add(least, tenth) };
            is_slow = false;
        } else {
            is_slow = is_close;
        }
        let point = search.at(next, direction, free(&bracket))?;
        evaluations += 1;
        trials += 1;
        if is_high(point) || point.loss >= bracket[low].loss {
            bracket[high] = point;
            [low, high] = lower(bracket);
        } else {
            if is_flat(point) {
                done = true;
            } else if mul(point.slope, sub(bracket[high].length, bracket[low].length)) >= 0.0 {
                bracket[high] = bracket[low];
            }
            bracket[low] = point;
        }
    }
    Ok(Found { point: bracket[low], evaluations })
}

/// The minimum of the cubic through two points with these losses and slopes, within bounds; their middle if there is none.
fn interpolated(one: Point, other: Point, [least, most]: [f64; 2]) -> f64 {
    let middle = || div(add(least, most), 2.0);
    let (x1, x2) = (one.length, other.length);
    let (g1, g2) = (one.slope, other.slope);
    let secant = div(mul(3.0, sub(one.loss, other.loss)), sub(x1, x2));
    let d1 = sub(add(g1, g2), secant);
    let square = sub(mul(d1, d1), mul(g1, g2));
    if !(square >= 0.0 && square.is_finite()) {
        return middle();
    }
    let d2 = sqrt(square);
    let minimum = if x1 <= x2 {
        let share = div(sub(add(g2, d2), d1), add(sub(g2, g1), mul(2.0, d2)));
        sub(x2, mul(sub(x2, x1), share))
    } else {
        let share = div(sub(add(g1, d2), d1), add(sub(g1, g2), mul(2.0, d2)));
        sub(x1, mul(sub(x1, x2), share))
    };
    if minimum.is_nan() { middle() } else { minimum.max(least).min(most) }
}
