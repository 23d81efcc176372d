//! Titles, long text, dates: what the service makes of characters.

use crate::ado::world::{World, set};
use boardsync_sandbox::halves;
use serde_json::{Value, json};

const TEXT: &str = "System.Description";

fn markdown(text: &str) -> Value {
    let format =
        json!({"op": "add", "path": format!("/multilineFieldsFormat/{TEXT}"), "value": "Markdown"});
    json!([set(TEXT, text), format])
}

#[tokio::test]
async fn markdown_goes_through_a_sanitiser_that_knows_no_code() {
    let world = World::new().await;
    let id = world.task("one");
    for (written, answered) in [
        ("List<String> and <placeholder>", "List and "),
        (
            "```\nif (a<b && c>d) x\n```\nlast",
            "```\nif (ad) x\n```\nlast",
        ),
        ("`a<b`\n\nthe rest", "`a"),
        ("A & B, 5 < 6", "A &amp; B, 5 &lt; 6"),
        ("`a &lt;b&gt; &amp;c`", "`a &lt;b&gt; &amp;c`"),
        (
            "> \"it's\" \u{1F916}",
            "&gt; &quot;it&#39;s&quot; &#129302;",
        ),
    ] {
        let (_, body) = world.patch(id, markdown(written)).await;
        assert_eq!(body["fields"][TEXT], answered, "{written}");
        assert_eq!(body["multilineFieldsFormat"][TEXT], "markdown");
        assert_eq!(world.ado.item(id).unwrap().fields[TEXT], answered);
    }
}

#[tokio::test]
async fn later_content_keeps_the_format() {
    let world = World::new().await;
    let id = world.task("one");
    world.patch(id, markdown("# a")).await;
    let (_, body) = world.patch(id, json!([set(TEXT, "*b* <i>c</i>")])).await;
    assert_eq!(body["fields"][TEXT], "*b* c");
}

#[tokio::test]
async fn picked_long_text_comes_with_its_format() {
    let world = World::new().await;
    let (html, rich) = (world.task("one"), world.task("two"));
    world.patch(html, json!([set(TEXT, "<p>a</p>")])).await;
    world.patch(rich, markdown("a")).await;
    let path = "/_apis/wit/workitemsbatch";
    let request = json!({"ids": [html, rich], "fields": [TEXT, "System.Title"]});
    let (_, body) = world.post(path, request.clone()).await;
    let formats = |body: &Value| {
        let rows = body["value"].as_array().unwrap();
        rows.iter()
            .map(|row| row["multilineFieldsFormat"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        formats(&body),
        [json!({TEXT: "html"}), json!({TEXT: "markdown"})]
    );
    world.ado.quirks(|q| q.formats_of_picked_fields = false);
    let (_, body) = world.post(path, request).await;
    assert_eq!(formats(&body), [json!({}), json!({})]);
}

#[tokio::test]
async fn all_characters_beyond_ascii_may_come_back_as_entities() {
    let world = World::new().await;
    let id = world.task("one");
    world.ado.quirks(|q| q.non_ascii_entities = true);
    let (_, body) = world
        .patch(id, json!([set(TEXT, "<p>gr\u{FC}n \u{1F916}</p>")]))
        .await;
    assert_eq!(body["fields"][TEXT], "<p>gr&#252;n &#129302;</p>");
}

#[tokio::test]
async fn a_title_is_counted_in_utf_16_units_and_never_cut() {
    let world = World::new().await;
    let id = world.task("one");
    let title = |n: usize| format!("{}\u{1F680}", "x".repeat(n));
    let (status, body) = world
        .patch(id, json!([set("System.Title", title(254))]))
        .await;
    assert_eq!(status, 400);
    assert!(!body.to_string().contains("Title"), "{body}");
    let (_, body) = world
        .patch(id, json!([set("System.Title", title(253))]))
        .await;
    assert_eq!(body["fields"]["System.Title"], title(253));
}

#[tokio::test]
async fn a_control_character_anywhere_makes_the_patch_unreadable() {
    let world = World::new().await;
    let id = world.task("one");
    let link = json!({"op": "add", "path": "/relations/-", "value": {"rel": "Hyperlink", "url": "https://x.example", "attributes": {"comment": "a\u{1}"}}});
    for operation in [
        set("System.Title", "a\u{B}b"),
        set(TEXT, "<p>a\u{FFFF}</p>"),
        set("System.Tags", "a\u{0}"),
        link,
    ] {
        let (status, body) = world
            .patch(
                id,
                json!([set("Microsoft.VSTS.Common.Priority", 1), operation]),
            )
            .await;
        assert_eq!(status, 400);
        assert!(
            body.get("customProperties").is_none() && !body.to_string().contains("System."),
            "{body}"
        );
    }
    assert_eq!(world.ado.item(id).unwrap().rev, 1);
    assert_eq!(
        world.patch(id, json!([set(TEXT, "a\tb\r\nc")])).await.0,
        200
    );
}

#[tokio::test]
async fn dates_outside_the_database_are_refused_without_a_name() {
    let world = World::new().await;
    let id = world.task("one");
    for (date, status) in [
        ("0026-05-01T00:00:00Z", 400),
        ("1752-12-31T23:59:59Z", 400),
        ("1753-01-01T00:00:00Z", 200),
        ("9999-12-31T23:59:59Z", 200),
        ("12026-05-01T00:00:00Z", 400),
        ("soon", 400),
    ] {
        let (got, body) = world
            .patch(
                id,
                json!([set("Microsoft.VSTS.Scheduling.StartDate", date)]),
            )
            .await;
        assert_eq!(got, status, "{date}");
        assert!(
            status == 200 || !body.to_string().contains("StartDate"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_is_told_as_its_escape() {
    let world = World::new().await;
    let title = format!("a{}", halves::half(0xD83D).unwrap());
    let id = world.task(&title);
    let raw = world
        .answer(&format!("/_apis/wit/workitems/{id}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(raw.contains(r#""System.Title":"a\ud83d""#), "{raw}");
    assert!(
        serde_json::from_str::<Value>(&raw).is_err(),
        "strict parsers refuse it"
    );
}
