//! How many threads share the work: as many as were asked for, or none at all.

use std::env;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;
use crate::format::plural;

/// What also says how many threads are wanted: rayon's variable, and its older name.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"];

/// Makes the pool that everything runs on of so many threads: those of `--threads`, or of rayon's variable. Without either, rayon makes its
/// own pool, a thread for each processor.
pub fn build_pool(flag: Option<u64>) -> Result<(), Failure> {
    let Some((name, threads)) =
        flag.map(|threads| ("--threads", threads)).or_else(|| variable(|name| env::var(name).ok()))
    else {
        return Ok(());
    };
    let asked = within(name, threads, available_parallelism().ok().map(usize::from))?;
    let pool = ThreadPoolBuilder::new().num_threads(asked);
    pool.build_global().map_err(|error| Failure::Usage(format!("{name} {threads}: {error}")))
}

/// The variable that says how many threads are wanted, and how many, by rayon's rules: 0 asks for one for each processor, and what is no
/// number says nothing.
fn variable(value: impl Fn(&str) -> Option<String>) -> Option<(&'static str, u64)> {
    let said = VARIABLES.into_iter().find_map(|name| Some((name, value(name)?.parse().ok()?)));
    said.filter(|(_, threads)| *threads > 0)
}

/// More threads than processors would say that the work was shared by so many, which it can't be. Where the system does not say how many
/// processors there are, it is left to it.
fn within(name: &str, threads: u64, processors: Option<usize>) -> Result<usize, Failure> {
    let most = processors.unwrap_or(usize::MAX);
    usize::try_from(threads).ok().filter(|threads| *threads <= most).ok_or_else(|| {
        let there = plural(most as u64, "processor");
        Failure::Usage(format!("{name} is {threads}, and {there} can be used here: at most as many threads are needed"))
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
        assert!(
            matches!(within("--threads", 2, Some(2)), Ok(2)) && matches!(within("--threads", 1024, None), Ok(1024))
        );
        let message = |asked, there| match within("--threads", asked, Some(there)) {
            Err(Failure::Usage(message)) => message,
            other => panic!("{other:?}"),
        };
        let two = "--threads is 3, and 2 processors can be used here: at most as many threads are needed";
        assert_eq!(message(3, 2), two);
        assert!(message(u64::MAX, 1).contains("18446744073709551615, and 1 processor can"));
    }

    #[test]
    fn rayons_variables_are_read_by_its_rules() {
        let said = |new: Option<&str>, old: Option<&str>| {
            let values = [new, old].map(|value| value.map(str::to_owned));
            variable(|name| VARIABLES.iter().position(|known| *known == name).and_then(|i| values[i].clone()))
        };
        assert_eq!(said(Some("300"), Some("2")), Some((VARIABLES[0], 300)));
        assert_eq!(said(Some("x"), Some("2")), Some((VARIABLES[1], 2)));
        assert_eq!(said(Some("0"), Some("2")), None);
        assert_eq!(said(None, None), None);
    }
}
