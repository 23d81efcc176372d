//! The first plan of a large board in the real program: shown, as JSON, saved and carried out. Then a board of few items
//! with very long texts.

use crate::board::prose::prose;
use crate::program::{Memory, config, services, start};
use boardsync::sandbox::world::{PROJECT, World};
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Most KiB that any of these runs may hold. The systemd unit has `MemoryMax=512M`.
const MOST_KIB: u64 = 400 << 10;
/// Items with very long texts, and bytes of text in each.
const LONG: (usize, usize) = (40, 1_000_000);

/// A board and the configuration that reaches it.
struct Case {
    world: World,
    folder: tempfile::TempDir,
    config: PathBuf,
    /// What was above the limit or did not end well.
    faults: Vec<String>,
}

impl Case {
    async fn of(items: usize, bytes: usize) -> Case {
        let world = services().await;
        for n in 1..=items {
            let fields = [
                ("System.Title", json!(format!("Story {n:06}"))),
                ("System.Description", json!(text(n, bytes))),
            ];
            world.ado.create_item(PROJECT, "Task", &fields).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let config = config(&world, folder.path());
        Case {
            world,
            folder,
            config,
            faults: Vec::new(),
        }
    }

    /// Runs the program to its end and looks at what it held.
    async fn run(&mut self, arguments: &[&str]) {
        let (begun, requests) = (Instant::now(), self.world.ledger.count());
        let out = File::create(self.path("out")).unwrap();
        let mut process = start(&self.config, arguments, Stdio::from(out));
        let mut last = Memory::default();
        let status = loop {
            last = Memory::of(&process).unwrap_or(last);
            if let Some(status) = process.try_wait().unwrap() {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let printed = std::fs::metadata(self.path("out")).unwrap().len();
        let what = arguments.iter().take(2).copied().collect::<Vec<_>>();
        let what = what.join(" ").replace(&self.path(""), "");
        last.show(&format!("  {what}"));
        println!(
            "    {:.1} s, {} requests, {printed} bytes printed",
            begun.elapsed().as_secs_f64(),
            self.world.ledger.count() - requests,
        );
        if !status.success() {
            self.faults.push(format!("{what} ended with {status}"));
        }
        if last.highest > MOST_KIB {
            self.faults
                .push(format!("{what} held {} KiB", last.highest));
        }
    }

    fn path(&self, name: &str) -> String {
        let path: &Path = self.folder.path();
        path.join(name).to_string_lossy().into_owned()
    }

    /// A saved plan carried out, and a pass after it that has nothing to write.
    async fn carry_out(&mut self, items: usize) {
        let plan = self.path("first.plan");
        self.run(&["plan", "--out", &plan]).await;
        self.run(&["apply", &plan]).await;
        let there = self.world.clickup.all_ids().len();
        if there != items {
            self.faults
                .push(format!("{there} of {items} tasks were made"));
        }
        self.world.ledger.clear();
        self.run(&["reconcile", "--once", "--full"]).await;
        let writes = self.world.ledger.writes().len();
        if writes > 0 {
            self.faults
                .push(format!("the pass after it wrote {writes} times"));
        }
    }
}

/// Paragraphs that differ from item to item, at most `bytes` of them and nearly that.
fn text(n: usize, bytes: usize) -> String {
    const PARAGRAPH: usize = 80;
    let mut text = String::with_capacity(bytes);
    while text.len() + 2 * PARAGRAPH < bytes {
        text.push_str(&format!(
            "<p>{}</p>",
            prose(n * bytes + text.len(), PARAGRAPH)
        ));
    }
    text
}

/// Looks at all cases. Fails when one of them held too much, or did not end well.
pub fn in_the_program(items: usize, bytes: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let faults = runtime.block_on(async {
        println!("\nThe program, first contact with {items} items of {bytes} bytes of text");
        let mut large = Case::of(items, bytes).await;
        large.run(&["plan"]).await;
        large.run(&["plan", "--json"]).await;
        large.carry_out(items).await;
        let (items, bytes) = LONG;
        println!("The same with {items} items of {bytes} bytes of text");
        let mut long = Case::of(items, bytes).await;
        long.carry_out(items).await;
        [large.faults, long.faults].concat()
    });
    assert!(faults.is_empty(), "{}", faults.join("; "));
}
