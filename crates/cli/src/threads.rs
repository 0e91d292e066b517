//! How many threads share the work: as many as were asked for, or none at all.

use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;
use crate::format::plural;

/// Makes the pool that everything runs on one of so many threads.
pub fn build_pool(threads: u64) -> Result<(), Failure> {
    let asked = within(threads, available_parallelism().ok().map(usize::from))?;
    let pool = ThreadPoolBuilder::new().num_threads(asked);
    pool.build_global().map_err(|error| Failure::Usage(format!("--threads {threads}: {error}")))
}

/// More threads than processors would say that the work was shared by so many, which it can't be. Where the system does not say how many
/// processors there are, it is left to it.
fn within(threads: u64, processors: Option<usize>) -> Result<usize, Failure> {
    let most = processors.unwrap_or(usize::MAX);
    usize::try_from(threads).ok().filter(|threads| *threads <= most).ok_or_else(|| {
        let there = plural(most as u64, "processor");
        Failure::Usage(format!(
            "--threads is {threads}, and {there} can be used here: at most as many threads are needed"
        ))
    })
}

/// Bytes of stack: kernels that are compiled without optimisation need more than the two megabytes of other threads.
const STACK: usize = 16 << 20;

/// A pool beside the one that everything else runs on: that there are `threads` threads is true however many that has.
pub fn own_pool(threads: usize) -> Result<ThreadPool, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK);
    pool.build().map_err(|error| Failure::Usage(format!("{}: {error}", plural(threads as u64, "thread"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_than_processors() {
        assert!(matches!(within(2, Some(2)), Ok(2)) && matches!(within(1024, None), Ok(1024)));
        let message = |asked, there| match within(asked, Some(there)) {
            Err(Failure::Usage(message)) => message,
            other => panic!("{other:?}"),
        };
        let two = "--threads is 3, and 2 processors can be used here: at most as many threads are needed";
        assert_eq!(message(3, 2), two);
        assert!(message(u64::MAX, 1).contains("18446744073709551615, and 1 processor can"));
    }
}
