//! The kill campaign: trainings are killed at random moments, again and again, and nothing is lost.
//!
//! ```text
//! cargo test -p nxm --test kills             # 200 kills
//! cargo test -p nxm --test kills -- 10000    # as many as one likes
//! ```
//!
//! A training with `--keep 3 --patience` runs once to its end. The same training then is killed (SIGKILL) and resumed, each time at a
//! random level, number of threads and moment: while it starts, trains, writes or renames. After every kill
//!
//! - the newest checkpoint can be read, and is not older than before the kill;
//! - the older ones and the best one can be read, each older than the one before it;
//! - nobody has the lock, and files that the training did not write are as they were.
//!
//! A training that comes to its end has the bytes of the one that was not killed in all four files, and leaves no other.
//! The moments are drawn from a fixed seed, but what the processes do then is up to the machine.

#[cfg(unix)]
mod common;

#[cfg(not(unix))]
fn main() {
    println!("kills: for Unix only");
}

#[cfg(unix)]
fn main() {
    campaign::main();
}

#[cfg(unix)]
mod campaign {
    use std::num::NonZeroUsize;
    use std::path::PathBuf;
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use nxm_kernels::Level;
    use nxm_net::{Checkpoint, Checkpoints};

    use crate::common::{Folder, nxm, printed, threads};

    /// Kills, unless told.
    const KILLS: usize = 200;
    const KEEP: usize = 3;
    /// Checkpoints within epochs, held-out examples, and a patience that is not used up.
    const TRAIN: [&str; 13] = [
        "train",
        "--epochs",
        "8",
        "--hidden",
        "32",
        "--batch",
        "64",
        "--patience",
        "1000",
        "--seed",
        "5",
        "--checkpoint-every",
        "11",
    ];
    /// A process is killed at the latest after so much of the time that the whole training takes. It grows where nothing is gained, and
    /// falls where a training ends before it was killed so often as `OFTEN`.
    const LATEST: f64 = 1.0 / 3.0;
    const OFTEN: usize = 6;
    /// Files of somebody else, that look alike.
    const OF_OTHERS: [&str; 4] = ["m.2024-11-25.tmp", "m.3", "m.nxm-1.tmp", "m.best.old"];

    pub fn main() {
        let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        let kills = match args.first().map(|arg| (arg, arg.parse())) {
            None => KILLS,
            Some((_, Ok(kills))) => kills,
            // A filter of the other tests.
            Some((filter, Err(_))) if "kills".contains(filter.as_str()) => KILLS,
            Some(_) => return,
        };
        let folder = Folder::new("kills");
        let whole = Training::new(&folder, "whole");
        let start = Instant::now();
        printed(&[&TRAIN[..], &["--keep", "3", "--checkpoint", &whole.name()]].concat());
        let mut latest = start.elapsed().mul_f64(LATEST);
        let mut random = Random(0x6b69_6c6c);
        let mut tally = Tally::default();
        while tally.kills < kills {
            let parted = Training::new(&folder, &format!("parted-{}", tally.trainings));
            parted.run(kills, &mut latest, &mut random, &mut tally);
            if tally.kills < kills {
                parted.assert_same(&whole);
                tally.trainings += 1;
            }
        }
        println!("{tally:?} in {:.0} s: nothing lost", start.elapsed().as_secs_f64());
        assert!(kills < KILLS || tally.trainings > 0, "no training came to its end");
        assert!(kills < KILLS || tally.while_writing > 0, "no process was killed while it wrote");
    }

    /// What happened.
    #[derive(Debug, Default)]
    struct Tally {
        kills: usize,
        /// Those before the first checkpoint, those of a process that had written one, and those that left a temporary file.
        before_the_first: usize,
        after_a_write: usize,
        while_writing: usize,
        /// That were killed and resumed until they ended.
        trainings: usize,
    }

    /// SplitMix64.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        }
        fn below(&mut self, count: usize) -> usize {
            (self.next() % count as u64) as usize
        }
        /// Up to so much time.
        fn moment(&mut self, latest: Duration) -> Duration {
            latest.mul_f64((self.next() >> 11) as f64 / (1u64 << 53) as f64)
        }
    }

    /// A training in a folder of its own.
    struct Training {
        folder: PathBuf,
        checkpoints: Checkpoints,
    }

    impl Training {
        fn new(folder: &Folder, name: &str) -> Training {
            let folder = folder.path(name);
            std::fs::create_dir(&folder).expect("a folder");
            for name in OF_OTHERS {
                std::fs::write(folder.join(name), name).expect("a file");
            }
            let keep = NonZeroUsize::new(KEEP).expect("at least one");
            let checkpoints = Checkpoints::new(folder.join("m"), keep);
            Training { folder, checkpoints }
        }

        fn name(&self) -> String {
            self.folder.join("m").into_os_string().into_string().expect("UTF-8")
        }

        /// Trains until the end, or until there were enough kills.
        fn run(&self, kills: usize, latest: &mut Duration, random: &mut Random, tally: &mut Tally) {
            let levels: Vec<&str> =
                Level::available().filter(|level| level.shape::<f32>().fused).map(Level::name).collect();
            let (name, before, mut reached) = (self.name(), tally.kills, None);
            while tally.kills < kills {
                let mut command = nxm();
                command.args(TRAIN).args(["--keep", "3", "--level", levels[random.below(levels.len())]]);
                command.args(["--threads", threads(1 + random.below(2))]);
                match reached {
                    None => command.args(["--checkpoint", &name]),
                    Some(_) => command.args(["--resume", &name]),
                };
                command.stdout(Stdio::null()).stderr(Stdio::piped());
                let mut child = command.spawn().expect("the program starts");
                std::thread::sleep(random.moment(*latest));
                child.kill().expect("it is there, or has just ended");
                let output = child.wait_with_output().expect("it ends");
                let message = String::from_utf8_lossy(&output.stderr);
                // It may have been killed between its last write and its end.
                let had_ended =
                    output.status.code() == Some(2) && message.contains("the training has finished its 8 epochs");
                if output.status.success() || had_ended {
                    if tally.kills - before < OFTEN {
                        *latest = latest.mul_f64(0.8);
                    }
                    return;
                }
                assert!(output.status.code().is_none(), "{}: {message}", output.status);
                tally.kills += 1;
                let now = self.check(tally);
                assert!(now >= reached, "{reached:?} was reached, and {now:?} is there");
                tally.before_the_first += usize::from(now.is_none());
                tally.after_a_write += usize::from(now > reached);
                if now == reached {
                    *latest = latest.mul_f64(1.02);
                }
                reached = now;
            }
        }

        /// What must hold after every kill; returns the steps of the newest checkpoint.
        fn check(&self, tally: &mut Tally) -> Option<u64> {
            let steps = |path: PathBuf| {
                let checkpoint = path.exists().then(|| Checkpoint::<f32>::load(&path));
                checkpoint.map(|loaded| loaded.expect("a whole checkpoint").state.optimizer.steps())
            };
            let newest = steps(self.checkpoints.paths().next().expect("a path"));
            let all: Vec<u64> = self.checkpoints.paths().filter_map(steps).collect();
            // The newest may have two names already.
            assert!(all.is_sorted_by(|newer, older| newer >= older), "{all:?}");
            assert!(newest.is_some() || all.is_empty(), "the newest is gone: {all:?}");
            let best = steps(self.checkpoints.best());
            assert!(best.is_none() || newest.is_some(), "the best one alone");
            let left = self.names().into_iter().filter(|name| name.ends_with(".tmp")).count();
            let of_others = OF_OTHERS.iter().filter(|name| name.ends_with(".tmp")).count();
            assert!(left <= of_others + 1, "{:?}", self.names());
            tally.while_writing += left - of_others;
            self.check_others();
            drop(self.checkpoints.lock().expect("nobody has it"));
            newest
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.folder).expect("a folder");
            let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }

        fn check_others(&self) {
            for name in OF_OTHERS {
                assert_eq!(std::fs::read_to_string(self.folder.join(name)).expect("a file"), name);
            }
        }

        /// It has come to its end, and has the same files.
        fn assert_same(&self, other: &Training) {
            self.check_others();
            let names = self.names();
            assert_eq!(names, other.names());
            let own = ["m", "m.1", "m.2", "m.best"];
            assert_eq!(names.len(), own.len() + OF_OTHERS.len() + 1, "and the list of them: {names:?}");
            for name in own {
                let [one, other] = [self, other].map(|run| std::fs::read(run.folder.join(name)).expect("a file"));
                assert!(one == other, "{name} differs");
            }
            std::fs::remove_dir_all(&self.folder).expect("a folder");
        }
    }
}
