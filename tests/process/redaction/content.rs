//! Items that hold one of our own credentials, and items that hold what merely looks like one.

use crate::redaction::evidence::{Canaries, Evidence, sent_to_its_own_service_only};
use boardsync::model::Side;
use boardsync::sandbox::world::{LIST, PROJECT};
use serde_json::json;

/// Texts like credentials that are none of ours: what people write is theirs.
const FOREIGN: &str = "pk_1234567_QWERTZUIOPASDFGHJKLYXCVBNM123456";

#[tokio::test(flavor = "multi_thread")]
async fn our_own_credential_in_an_item_is_not_carried_over_and_other_fields_are() {
    for side in Side::BOTH {
        let canaries = Canaries::real();
        let bench = canaries.bench().await;
        let mut evidence = Evidence::default();
        bench
            .run(&["reconcile", "--once", "--yes"])
            .await
            .left_with(0);
        bench.world.ledger.clear();
        let (id, other, secret) = (bench.ids[1], bench.ids[2], canaries.of(side));
        let tasks = [bench.ids[1], bench.ids[2]].map(|id| {
            let title = bench.world.ado.item(id).unwrap().fields["System.Title"]
                .as_str()
                .unwrap()
                .to_owned();
            bench.task_named(&title)
        });
        bench
            .world
            .ado
            .edit(
                id,
                &[
                    (
                        "System.Description",
                        json!(format!("<p>Use {secret} for it</p>")),
                    ),
                    ("Microsoft.VSTS.Common.Priority", json!(1)),
                ],
                "ada@contoso.example",
            )
            .unwrap();
        let body = json!({ "name": format!("the token is {secret}"), "priority": 1 });
        bench.world.clickup.edit(&tasks[1], &body).unwrap();
        bench
            .world
            .ado
            .create_item(
                PROJECT,
                "Bug",
                &[
                    ("System.Title", json!("New")),
                    ("System.Description", json!(secret)),
                ],
            )
            .unwrap();
        let body = json!({ "name": secret });
        bench.world.clickup.create_task(LIST, &body).unwrap();
        for args in [
            &["plan"][..],
            &["reconcile", "--once"],
            &["reconcile", "--once"],
        ] {
            let ran = bench.run(args).await;
            evidence.ran(&format!("{args:?}"), &ran);
        }
        let status = bench.run(&["status"]).await.says("own credentials");
        evidence.ran("status", &status);
        let story = id.to_string();
        for args in [
            &["why", &story][..],
            &["history", &story],
            &["verify"],
            &["backup", "copy.db"],
        ] {
            let ran = bench.run(args).await;
            evidence.ran(&format!("{args:?}"), &ran);
        }
        // Nobody's text was replaced by what was made of it, and the rest of the items went over.
        let item = bench.world.ado.item(id).unwrap();
        assert!(
            item.fields["System.Description"]
                .as_str()
                .unwrap()
                .contains(secret)
        );
        assert_eq!(
            bench.world.clickup.task(&tasks[0]).unwrap()["priority"]["priority"],
            "urgent"
        );
        assert_eq!(
            bench.world.ado.item(other).unwrap().fields["Microsoft.VSTS.Common.Priority"],
            1
        );
        assert!(bench.titles().contains(&"New".to_owned()));
        evidence.collect(&bench);
        sent_to_its_own_service_only(&bench, &canaries);
        evidence.clean(&format!("{side}'s credential in items"), &canaries);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_merely_looks_like_a_credential_is_synced_as_it_is() {
    let canaries = Canaries::real();
    let bench = canaries.bench().await;
    bench.add_story(&format!("Rotate {FOREIGN}"));
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert!(bench.titles().contains(&format!("Rotate {FOREIGN}")));
}
