//! Services that repeat the credential in their answers: errors, pages, redirects, headers, for reads and for writes.

use crate::bench::{Bench, Ran};
use crate::redaction::evidence::{Canaries, Evidence, sent_to_its_own_service_only};
use boardsync::model::Side;
use boardsync::redact::REMOVED;
use boardsync::sandbox::faults::{EchoPlace, Fault};
use serde_json::json;

const READS: [u16; 5] = [401, 203, 302, 400, 200];
const WRITES: [u16; 5] = [400, 500, 302, 403, 401];

struct Trial<'a> {
    bench: Bench,
    canaries: &'a Canaries,
    evidence: Evidence,
    runs: usize,
    echoes: usize,
}

impl Trial<'_> {
    async fn run(&mut self, args: &[&str]) -> Ran {
        let mut command = self.bench.command(args);
        command.env("RUST_LOG", "trace");
        let output = tokio::task::spawn_blocking(move || {
            assert_cmd::Command::from_std(command)
                .timeout(std::time::Duration::from_secs(60))
                .output()
                .unwrap()
        })
        .await
        .unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        self.runs += 1;
        if ran.err.contains(REMOVED) || ran.out.contains(REMOVED) {
            self.echoes += 1;
        }
        self.evidence.ran(&format!("{} {args:?}", self.runs), &ran);
        ran
    }

    fn echo(&self, side: Side, method: Option<&str>, path: &str, status: u16, place: EchoPlace) {
        self.bench.world.faults.clear();
        self.bench
            .fault(side, method, path, Fault::Echo { status, place }, u32::MAX);
    }

    fn end(self, what: &str) {
        let Trial {
            bench,
            canaries,
            mut evidence,
            ..
        } = self;
        evidence.collect(&bench);
        // The answers did hold the credential, and the program did look at them: something was taken out.
        assert!(self.echoes > 0, "no echo was seen");
        assert!(!evidence.holding(REMOVED).is_empty());
        sent_to_its_own_service_only(&bench, canaries);
        evidence.clean(
            &format!("{what}, {} runs, {} told an echo", self.runs, self.echoes),
            canaries,
        );
    }
}

async fn trial(canaries: &Canaries) -> Trial<'_> {
    let bench = canaries.bench().await;
    let mut trial = Trial {
        bench,
        canaries,
        evidence: Evidence::default(),
        runs: 0,
        echoes: 0,
    };
    trial
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    trial
}

async fn reads(canaries: &Canaries, side: Side) {
    let mut trial = trial(canaries).await;
    for (number, place) in EchoPlace::ALL.into_iter().enumerate() {
        for status in READS {
            trial.echo(side, None, "", status, place);
            trial.run(&["reconcile", "--once"]).await;
        }
        let status = READS[number % READS.len()];
        trial.echo(side, None, "", status, place);
        for command in ["check", "plan", "verify", "doctor"] {
            trial.run(&[command]).await;
            trial.run(&[command, "--json"]).await;
        }
        trial.run(&["status"]).await;
        trial.run(&["status", "--json"]).await;
    }
    // Repeated by the client, so only once and with its waits.
    trial.bench.world.faults.clear();
    trial.bench.fault(
        side,
        None,
        "",
        Fault::Echo {
            status: 500,
            place: EchoPlace::Message,
        },
        5,
    );
    trial.run(&["reconcile", "--once"]).await;
    trial.end(&format!("reads from {side}"));
}

async fn writes(canaries: &Canaries, side: Side) {
    let mut trial = trial(canaries).await;
    let id = trial.bench.ids[1];
    let titles = trial.bench.titles();
    let story = id.to_string();
    let task = trial.bench.task_named(&titles[0]);
    for (number, place) in EchoPlace::ALL.into_iter().enumerate() {
        for status in WRITES {
            let title = format!("Title {number} {status}");
            match side {
                Side::ClickUp => trial.bench.rename(id, &title),
                Side::Ado => {
                    let body = json!({ "name": title });
                    trial.bench.world.clickup.edit(&task, &body).unwrap();
                }
            }
            let method = if side == Side::Ado { "PATCH" } else { "PUT" };
            trial.echo(side, Some(method), "", status, place);
            trial.run(&["reconcile", "--once", "--retry"]).await;
        }
        // A create whose answer is none.
        match side {
            Side::ClickUp => drop(trial.bench.add_story(&format!("New {number}"))),
            Side::Ado => {
                let body = json!({ "name": format!("New {number}") });
                trial
                    .bench
                    .world
                    .clickup
                    .create_task(boardsync::sandbox::world::LIST, &body)
                    .unwrap();
            }
        }
        let path = if side == Side::Ado {
            "/workitems/$"
        } else {
            "/task"
        };
        trial.echo(
            side,
            Some("POST"),
            path,
            400 + u16::try_from(number).unwrap() % 2,
            place,
        );
        trial.run(&["reconcile", "--once", "--retry"]).await;
    }
    for args in [
        &["status"][..],
        &["why", &story],
        &["history", &story],
        &["history", &task],
        &["conflicts"],
        &["undo"],
    ] {
        trial.run(args).await;
        trial.run(&[args, &["--json"]].concat()).await;
    }
    trial.run(&["backup", "copy.db"]).await.left_with(0);
    trial.end(&format!("writes to {side}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_repeated_by_azure_devops_is_taken_out_before_anything_sees_it() {
    reads(&Canaries::real(), Side::Ado).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_repeated_by_clickup_is_taken_out_before_anything_sees_it() {
    reads(&Canaries::real(), Side::ClickUp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_repeated_by_a_refused_write_is_not_stored_as_its_reason() {
    writes(&Canaries::real(), Side::Ado).await;
    writes(&Canaries::odd(), Side::ClickUp).await;
}
