//! A profiling executor: books the time between two regions under the first.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nxm_kernels::{Cpu, Element, Executor, Kernel, Level, Region};

/// What `cpu` runs, and how long each phase took of it, all layers together.
pub struct Phases {
    cpu: Cpu,
    booked: Mutex<Booked>,
}

#[derive(Default)]
struct Booked {
    since: Option<(&'static str, Instant)>,
    times: BTreeMap<&'static str, Duration>,
}

impl Phases {
    pub fn new(cpu: Cpu) -> Phases {
        Phases { cpu, booked: Mutex::default() }
    }

    /// The share of each phase, largest first. (What stands between two steps is booked under a step's last phase.)
    pub fn print(&self) {
        self.enter(Region { name: "", layer: 0 });
        let booked = self.booked.lock().expect("no panic");
        let all: Duration = booked.times.values().sum();
        let mut times: Vec<_> = booked.times.iter().collect();
        times.sort_by_key(|(_, time)| std::cmp::Reverse(**time));
        let share = |time: &Duration| 100.0 * time.as_secs_f64() / all.as_secs_f64();
        let parts: Vec<String> = times.iter().map(|(name, time)| format!("{name} {:.1}%", share(time))).collect();
        println!("    {}", parts.join(", "));
    }
}

impl Executor for Phases {
    #[inline]
    fn run<T: Element, K: Kernel<T>>(&self, kernel: K) -> K::Output {
        self.cpu.run(kernel)
    }
    fn level(&self) -> Level {
        self.cpu.level()
    }
    fn threads(&self) -> usize {
        self.cpu.threads()
    }
    fn sequence<R: Send>(&self, work: usize, task: impl FnOnce() -> R + Send) -> R {
        self.cpu.sequence(work, task)
    }
    fn enter(&self, region: Region) {
        let mut booked = self.booked.lock().expect("no panic");
        let now = Instant::now();
        if let Some((name, since)) = booked.since.replace((region.name, now)) {
            *booked.times.entry(name).or_default() += now - since;
        }
    }
}
