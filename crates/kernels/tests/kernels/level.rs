//! Levels: by name, by the variable `NXM_LEVEL`, and which of them this processor must have.

use std::process::Command;

use nxm_kernels::{Cpu, Executor, LEVEL_NAMES, LEVEL_VARIABLE, Level, LevelError};

/// Which levels a run of the tests must cover, comma separated: a missing one fails it.
const EXPECTED: &str = "NXM_EXPECT_LEVELS";

#[test]
fn available_levels_go_by_their_names() {
    let levels: Vec<Level> = Level::available().collect();
    assert!(levels.len() >= 2 && levels[0].name() == "scalar" && levels[1].name() == "wide");
    for level in levels {
        assert_eq!(Level::named(level.name()), Ok(level));
        assert_eq!(level.to_string(), level.name());
    }
}

#[test]
fn a_level_that_does_not_exist_is_an_error() {
    for name in ["", "AVX2", "avx2 ", "sse", "avx1024"] {
        let error = Level::named(name).unwrap_err();
        assert_eq!(error, LevelError::Unknown { name: name.to_owned() });
        let text = error.to_string();
        assert!(text.contains(&format!("{name:?}")) && text.contains("scalar, wide, avx2, avx512"), "{text}");
    }
}

#[test]
fn a_level_the_processor_lacks_is_an_error_that_says_what_it_has() {
    let has: Vec<&str> = Level::available().map(Level::name).collect();
    for name in LEVEL_NAMES.into_iter().filter(|name| !has.contains(name)) {
        assert_eq!(Level::named(name), Err(LevelError::Unavailable { name: name.to_owned() }));
    }
    // Told of any processor, as this one may have them all.
    let text = LevelError::Unavailable { name: "avx512".to_owned() }.to_string();
    assert!(text.contains("avx512") && text.ends_with(&has.join(", ")), "{text}");
}

#[test]
fn shapes_are_those_of_the_registers() {
    for level in Level::available() {
        let (single, double) = (level.shape::<f32>(), level.shape::<f64>());
        let bytes = match level.name() {
            "scalar" => continue,
            "avx2" => 32,
            "avx512" => 64,
            _ if cfg!(target_feature = "avx") => 32,
            _ => 16,
        };
        assert_eq!((single.lanes, double.lanes), (bytes / 4, bytes / 8), "{level}");
    }
    let scalar = Level::named("scalar").unwrap();
    assert_eq!((scalar.shape::<f32>().lanes, scalar.shape::<f64>().lanes), (1, 1));
    assert!(scalar.shape::<f32>().fused);
}

#[test]
fn no_threads_count_as_one() {
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 0);
    assert_eq!((cpu.threads(), cpu.with_threads(3).threads(), cpu.level().name()), (1, 3, "scalar"));
}

/// `Level::detect` reads the variable once for each process: this test starts itself anew for each value and lets the
/// child say what it found.
#[test]
fn the_variable_pins_the_level() {
    const CHILD: &str = "NXM_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let said = match (Level::detect(), Cpu::detect().map(|cpu| cpu.level())) {
            (Ok(level), again) => {
                assert_eq!(again, Ok(level));
                format!("<level {level}>")
            }
            (Err(error), again) => {
                assert_eq!(again, Err(error.clone()));
                format!("<error {error}>")
            }
        };
        println!("{said}");
        return;
    }
    let say = |value: Option<&str>| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "level::the_variable_pins_the_level", "--nocapture"]).env(CHILD, "1");
        match value {
            Some(value) => child.env(LEVEL_VARIABLE, value),
            None => child.env_remove(LEVEL_VARIABLE),
        };
        let output = child.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_once('<').unwrap().1.split_once('>').unwrap().0.to_owned()
    };
    let fastest = format!("level {}", Level::available().last().unwrap());
    assert_eq!(say(None), fastest);
    assert_eq!(say(Some("")), fastest);
    let mut has = Vec::new();
    for name in LEVEL_NAMES {
        let expected = match Level::named(name) {
            Ok(_) => {
                has.push(name);
                format!("level {name}")
            }
            Err(error) => format!("error {error}"),
        };
        assert_eq!(say(Some(name)), expected);
    }
    let refused = say(Some("avx1024"));
    assert!(refused.starts_with("error") && refused.contains("\"avx1024\""), "{refused}");
}

/// The list comes from the processor's own flags (`.ci/run` derives it); without one this says what was seen.
#[test]
fn the_expected_levels_are_there() {
    let has: Vec<&str> = Level::available().map(Level::name).collect();
    println!("levels of this processor: {}", has.join(", "));
    if let Ok(expected) = std::env::var(EXPECTED) {
        for name in expected.split(',').map(str::trim) {
            assert!(has.contains(&name), "{EXPECTED} asks for level {name:?}; this processor has {}", has.join(", "));
        }
    }
}
