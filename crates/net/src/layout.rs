//! Where the parameters of a network stand in their memory.

use std::sync::Arc;

use nxm_kernels::program::{Place, Slot};
use nxm_kernels::{Element, Layout};

use crate::error::NetError;
use crate::layers::Layer;

/// The layers of a network, and where their parameters stand. An optimizer keeps what it keeps in the same places of other memories.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NetworkLayout {
    pub(crate) layers: Vec<LayerLayout>,
    /// Elements of the memory; [`usize::MAX`] if they exceed that.
    pub(crate) len: usize,
    /// The same in full.
    pub(crate) elements: u128,
}

/// A layer of N inputs and M outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LayerLayout {
    /// What it computes.
    pub(crate) layer: Layer,
    /// N.
    pub(crate) fan_in: usize,
    /// M.
    pub(crate) fan_out: usize,
    /// W, N × M, of a dense layer; γ, 1 × M, of a norm; no rows of another layer.
    pub(crate) weights: Place,
    /// b or β, 1 × M, if there are biases.
    pub(crate) bias: Option<Place>,
    /// The running means and variances of a batch norm, 1 × M: no optimizer changes them.
    pub(crate) running: Option<[Place; 2]>,
}

impl LayerLayout {
    /// Whether there are weights.
    pub(crate) fn has_weights(&self) -> bool {
        self.weights.layout.rows > 0
    }
    /// Where all numbers stand: those that are trained, then running statistics.
    pub(crate) fn stored(&self) -> impl Iterator<Item = Place> {
        self.places().chain(self.running.into_iter().flatten())
    }
    /// Where all that is trained stands: weights, then biases.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        [self.has_weights().then_some(self.weights), self.bias].into_iter().flatten()
    }
}

impl NetworkLayout {
    /// Of a network of at least one layer, in elements of `T`. Any sizes may be asked about: where they exceed what can be addressed,
    /// `len` is [`usize::MAX`].
    pub(crate) fn new<T: Element>(inputs: usize, layers: &[Layer]) -> NetworkLayout {
        let mut room = Room::new::<T>(Slot::Parameters);
        let mut fan_in = inputs;
        let layers = layers.iter().map(|layer| {
            // What exceeds a machine's addresses is as large as the largest number that it has.
            let fan_out = usize::try_from(layer.outputs(fan_in as u64)).unwrap_or(usize::MAX);
            let (rows, has_bias) = match layer {
                Layer::Dense { bias, .. } => (fan_in, *bias),
                Layer::LayerNorm { .. } | Layer::BatchNorm { .. } => (1, true),
                Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => (0, false),
            };
            let (weights, bias) = (room.place(rows, fan_out), has_bias.then(|| room.place(1, fan_out)));
            let is_batch_norm = matches!(layer, Layer::BatchNorm { .. });
            let running = is_batch_norm.then(|| [(); 2].map(|()| room.place(1, fan_out)));
            let fan_in = std::mem::replace(&mut fan_in, fan_out);
            LayerLayout { layer: *layer, fan_in, fan_out, weights, bias, running }
        });
        let layers = layers.collect();
        NetworkLayout { layers, len: room.addressable(), elements: room.len }
    }

    /// Numbers the network takes.
    pub(crate) fn inputs(&self) -> usize {
        self.layers[0].fan_in
    }
    /// Numbers that are trained.
    pub(crate) fn parameters(&self) -> usize {
        self.layers.iter().flat_map(LayerLayout::places).map(|Place { layout, .. }| layout.rows * layout.cols).sum()
    }
    /// Numbers it gives.
    pub(crate) fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].fan_out
    }

    /// Checks that `network` has the layers that `what` was made for: those of `self`.
    #[inline]
    pub(crate) fn check(
        self: &Arc<NetworkLayout>,
        what: &'static str,
        network: &Arc<NetworkLayout>,
    ) -> Result<(), NetError> {
        // Nearly always they are the same object.
        if Arc::ptr_eq(self, network) { Ok(()) } else { self.compare(what, network) }
    }

    /// The first difference is the error.
    #[cold]
    fn compare(&self, what: &'static str, network: &NetworkLayout) -> Result<(), NetError> {
        for layer in 0..self.layers.len().max(network.layers.len()) {
            let [expected, found] = [self, network].map(|layout| layout.layers.get(layer));
            let [expected_size, found_size] =
                [expected, found].map(|layer| layer.map(|layer| (layer.fan_in, layer.fan_out)));
            if expected_size != found_size {
                return Err(NetError::Network { what, layer, expected: expected_size, found: found_size });
            }
            let [Some(expected), Some(found)] = [expected, found].map(|layer| layer.map(|layer| layer.layer)) else {
                continue;
            };
            let [of_expected, of_found] = [expected, found].map(Layer::activation);
            if of_expected != of_found {
                return Err(NetError::Activation { what, layer, expected: of_expected, found: of_found });
            }
            if expected != found {
                return Err(NetError::Layer { what, layer, expected, found });
            }
        }
        Ok(())
    }
}

/// Memory that is dealt out to matrices, each of which begins at a cache line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    slot: Slot,
    block: usize,
    /// Elements that were dealt out; as many as 128 bits hold, if they exceed that.
    pub(crate) len: u128,
}

impl Room {
    pub(crate) fn new<T: Element>(slot: Slot) -> Room {
        Room { slot, block: T::BLOCK, len: 0 }
    }
    /// Room for rows × cols, padded.
    pub(crate) fn place(&mut self, rows: usize, cols: usize) -> Place {
        let place = self.place_at(self.addressable(), rows, cols);
        // Two 64-bit numbers have a 128-bit product.
        let elements = if cols == 0 { 0 } else { rows as u128 * place.layout.width as u128 };
        self.len = self.len.saturating_add(elements.div_ceil(self.block as u128).saturating_mul(self.block as u128));
        place
    }
    /// Elements that were dealt out; [`usize::MAX`] if they exceed that.
    pub(crate) fn addressable(&self) -> usize {
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }
    /// The same where there is room already.
    pub(crate) fn place_at(&self, offset: usize, rows: usize, cols: usize) -> Place {
        Place { slot: self.slot, offset, layout: Layout::padded(rows, cols, self.block) }
    }
}
