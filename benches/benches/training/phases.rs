//! A profiling executor: books the time between two regions under the first.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nxm_kernels::{Call, Cpu, Executor, Level, Phase, Region};

/// What `cpu` runs, and how long each phase took of it, all layers together.
pub struct Phases {
    cpu: Cpu,
    booked: Mutex<PhaseTimes>,
}

#[derive(Default)]
struct PhaseTimes {
    since: Option<(Option<Phase>, Instant)>,
    times: BTreeMap<Option<Phase>, Duration>,
}

impl Phases {
    pub fn new(cpu: Cpu) -> Phases {
        Phases { cpu, booked: Mutex::default() }
    }

    /// The share of each phase, largest first. (What stands between two steps is booked under a step's last phase.)
    pub fn print(&self) {
        self.enter(None);
        let booked = self.booked.lock().expect("no panic");
        let all: Duration = booked.times.values().sum();
        let mut times: Vec<_> = booked.times.iter().collect();
        times.sort_by_key(|(_, time)| std::cmp::Reverse(**time));
        let share = |time: &Duration| 100.0 * time.as_secs_f64() / all.as_secs_f64();
        let name = |phase: &Option<Phase>| phase.map_or("", Phase::name);
        let parts: Vec<String> =
            times.iter().map(|(phase, time)| format!("{} {:.1}%", name(phase), share(time))).collect();
        println!("    {}", parts.join(", "));
    }

    fn enter(&self, region: Option<Region>) {
        let mut booked = self.booked.lock().expect("no panic");
        let (now, phase) = (Instant::now(), region.map(|region| region.phase));
        if let Some((phase, since)) = booked.since.replace((phase, now)) {
            *booked.times.entry(phase).or_default() += now - since;
        }
    }
}

impl Executor for Phases {
    fn level(&self) -> Level {
        self.cpu.level()
    }
    fn threads(&self) -> usize {
        self.cpu.threads()
    }
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>) {
        self.enter(region);
        self.cpu.run_f32(call, region);
    }
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>) {
        self.enter(region);
        self.cpu.run_f64(call, region);
    }
    fn sequence(&self, work: usize, task: &mut (dyn FnMut() + Send)) {
        self.cpu.sequence(work, task);
    }
}
