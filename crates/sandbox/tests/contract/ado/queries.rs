//! WIQL.

use crate::ado::world::World;

#[tokio::test]
async fn wiql_conditions_select_what_they_say() {
    let world = World::new().await;
    let make = |title: &str, area: &str, tags: &str| {
        let fields = [
            ("System.Title", title.into()),
            ("System.AreaPath", area.into()),
            ("System.Tags", tags.into()),
        ];
        world.ado.create_item("Shop", "Task", &fields).unwrap()
    };
    let (a, b, c) = (
        make("it's a", "Shop\\Web", "red"),
        make("b", "Shop\\Web\\Checkout", "dark red"),
        make("c", "Shop\\Mobile", ""),
    );
    world
        .ado
        .edit(
            b,
            &[
                ("System.AssignedTo", "Sync Robot".into()),
                ("System.State", "Active".into()),
            ],
            "Ada Byron",
        )
        .unwrap();
    let table: Vec<(&str, Vec<i64>)> = vec![
        ("[System.AreaPath] UNDER 'Shop\\Web'", vec![a, b]),
        ("[System.AreaPath] NOT UNDER 'Shop\\Web'", vec![c]),
        ("[System.Tags] CONTAINS 'RED'", vec![a]),
        ("[System.Title] = 'it''s a'", vec![a]),
        ("[System.Title] CONTAINS 's A'", vec![a]),
        ("[System.AssignedTo] = @Me", vec![b]),
        ("[System.State] IN ('Active', 'Closed')", vec![b]),
        ("[System.State] NOT IN ('Active', 'Closed')", vec![a, c]),
        ("NOT [System.State] = 'new'", vec![b]),
        (
            "[System.Id] > 1 AND ([State] = 'New' OR [System.Id] = 2)",
            vec![b, c],
        ),
        (
            "[System.TeamProject] = @project AND [System.ChangedDate] >= @today - 1",
            vec![a, b, c],
        ),
        ("[System.ChangedDate] < @today", vec![]),
        (
            "[System.TeamProject] = @project ORDER BY [System.Id] DESC",
            vec![c, b, a],
        ),
    ];
    for (condition, expected) in table {
        assert_eq!(world.ids(condition, "").await, expected, "{condition}");
    }
    assert_eq!(
        world
            .ids("[System.Id] > 0 ORDER BY [System.Id]", "?$top=2")
            .await,
        [a, b]
    );
}

#[tokio::test]
async fn wiql_refuses_what_the_service_refuses() {
    let world = World::new().await;
    world.task("one");
    world.task("two");
    let select = "SELECT [System.Id] FROM WorkItems WHERE";
    let table = [
        (format!("{select} ChangedDate > '2026-01-01'"), "TF51005"),
        (format!("{select} [System.Nothing] = 1"), "TF51005"),
        (format!("{select} [System.Title] = 'open"), "TF51005"),
        (
            format!("{select} [System.ChangedDate] >= '2026-05-10T07:00:00Z'"),
            "You cannot supply a time",
        ),
        (
            format!("{select} [System.Title] = '{}'", "x".repeat(32_000)),
            "VS402338",
        ),
    ];
    for (query, code) in table {
        let (status, body) = world.wiql(&query, "").await;
        assert_eq!(status, 400, "{code}: {body}");
        assert!(
            body["message"].as_str().unwrap().starts_with(code),
            "{body}"
        );
    }
    world.ado.quirks(|q| q.wiql_limit = 1);
    let (_, body) = world.wiql(&format!("{select} [System.Id] > 0"), "").await;
    assert!(
        body["message"].as_str().unwrap().starts_with("VS402337"),
        "{body}"
    );
    assert_eq!(
        world.ids("[System.Id] > 0", "?$top=5").await.len(),
        1,
        "with $top the cut is silent"
    );
}

#[tokio::test]
async fn time_precision_compares_to_the_second() {
    let world = World::new().await;
    let one = world.task("one");
    world.clock.advance(60_000);
    let two = world.task("two");
    let since = |time: &str| format!("[System.ChangedDate] >= '2026-05-10T{time}Z'");
    assert_eq!(
        world.ids(&since("08:00:00"), "?timePrecision=true").await,
        [one, two]
    );
    assert_eq!(
        world.ids(&since("08:00:30"), "?timePrecision=true").await,
        [two]
    );
}

#[tokio::test]
async fn wiql_lags_behind_by_the_index_lag() {
    let world = World::new().await;
    world.ado.set_index_lag(5_000);
    let id = world.task("one");
    assert!(world.ids("[System.Id] > 0", "").await.is_empty());
    world.clock.advance(5_001);
    assert_eq!(world.ids("[System.Id] > 0", "").await, [id]);
    world.ado.delete(id);
    assert_eq!(
        world.ids("[System.Id] > 0", "").await,
        [id],
        "a deletion lags as well"
    );
}
