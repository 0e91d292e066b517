//! Blocks of products of any sides.

use nxm_kernels::{Blocking, Following, ProductShape, Strides, VectorShape};

/// Nothing overflows, and nothing is divided by zero.
#[test]
fn any_sides_have_blocks() {
    let sides = [0, 1, 17, 4096, usize::MAX];
    let shape = |lanes, registers| VectorShape { lanes, fused: true, fold_lanes: 0, registers };
    for (rows, inner, cols, size) in sides.into_iter().flat_map(|m| {
        sides.into_iter().flat_map(move |k| sides.into_iter().flat_map(move |n| [0, 4, 8].map(|size| (m, k, n, size))))
    }) {
        for following in [Following::Nothing, Following::InPlace, Following::Update] {
            let (a, b) = (Strides::row_major(inner), Strides::row_major(cols));
            for (a, b) in [(a, Some(b)), (a.transpose(), Some(b)), (a, Some(b.transpose())), (a, None)] {
                let product = ProductShape { rows, inner, cols, a, b, following, size };
                for vectors in [shape(1, 16), shape(8, 16), shape(16, 32)] {
                    if let Blocking::Blocks { rows, depth, .. } = Blocking::new(&product, vectors) {
                        assert!(rows > 0 && depth > 0, "{product:?}");
                    }
                }
            }
        }
    }
}
