//! Custom fields of long text beside long text of Azure DevOps, whatever ClickUp makes of the Markdown that it is sent.

use super::*;

const STORY: &str = "0f7c1c5e-5d0e-4e58-9d3f-00000000570e";
const NAME: &str = "Custom.Story";
const ROW: &str = "[[pair.field]]\nclickup = \"custom:Story\"\nado = \"Custom.Story\"\n";
const ANSWERS: [LongTexts; 3] = [LongTexts::AsSent, LongTexts::Plain, LongTexts::WithMarkdown];
const FIRST: &str = "<p>As a <b>guest</b> I see <a href=\"https://example.com/a\">this</a>:</p>\
                     <ul><li>pay</li><li>leave</li></ul><p>2*3*4 is a_b_c</p>";

async fn with_story(answer: LongTexts) -> Bench {
    let bench = with_fields(ROW).await;
    bench.world.ado.add_field(FieldDef {
        reference: NAME.to_owned(),
        name: "Story (ours)".to_owned(),
        kind: Kind::Html,
        server_only: false,
    });
    bench.world.clickup.custom_fields(|fields| {
        fields.push(SandboxField::new(STORY, "Story", "text"));
    });
    bench
        .world
        .clickup
        .quirks(|quirks| quirks.long_texts = answer);
    bench
}

fn put(bench: &Bench, task: &str, value: Value) {
    let edit = json!({"custom_fields": [{"id": STORY, "value": value}]});
    bench.world.clickup.edit(task, &edit).unwrap();
}

/// The text that somebody has before them who edits a task.
fn text(bench: &Bench, task: &str) -> String {
    let task = bench.world.clickup.task(task).unwrap();
    let rows = task["custom_fields"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "Story").unwrap();
    let markdown = row["value_markdown"].as_str();
    let text = markdown.or_else(|| row["value"].as_str());
    text.unwrap_or_default().to_owned()
}

fn story(bench: &Bench, id: i64) -> String {
    let shown = field(bench, id, NAME);
    shown.as_str().unwrap_or_default().to_owned()
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

async fn once(bench: &Bench) {
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_text_goes_both_ways_and_is_cleared_whatever_clickup_keeps_of_markdown() {
    for answer in ANSWERS {
        let bench = with_story(answer).await;
        bench.run(&["check"]).await.left_with(0);
        let id = bug(&bench, "From ADO", &[(NAME, json!(FIRST))]);
        let body = json!({"name": "From ClickUp", "custom_item_id": 1300,
                          "custom_fields": [{"id": STORY, "value": "one **two**\n\n- three"}]});
        bench.world.clickup.create_task(LIST, &body).unwrap();
        first_yes(&bench).await;
        let task = bench.task_named("From ADO");
        has(&text(&bench, &task), &["guest", "pay", "leave", "is a"]);
        has(&story(&bench, id + 1), &["one", "two", "three"]);
        let formatted = text(&bench, &task).contains("**guest**");
        assert_eq!(formatted, answer != LongTexts::Plain, "{answer:?}");
        bench.quiet().await;

        // Somebody adds a paragraph in ClickUp: what nobody touched in Azure DevOps stays as it is.
        let longer = format!("{}\n\nand more", text(&bench, &task).trim_end());
        put(&bench, &task, json!(longer));
        once(&bench).await;
        let kept = FIRST.strip_suffix("a_b_c</p>").unwrap();
        has(&story(&bench, id), &[kept, "and more"]);
        bench.quiet().await;

        // And one in Azure DevOps.
        let longer = format!("{}<p>the <i>last</i> one</p>", story(&bench, id));
        edit(&bench, id, &[(NAME, json!(longer))]);
        once(&bench).await;
        has(&text(&bench, &task), &["guest", "and more", "last"]);
        assert_eq!(story(&bench, id), longer);
        bench.quiet().await;

        // Cleared on either side.
        edit(&bench, id, &[(NAME, json!(""))]);
        once(&bench).await;
        assert_eq!(value(&bench, &task, "Story"), Value::Null, "{answer:?}");
        bench.quiet().await;
        put(&bench, &task, json!("again"));
        once(&bench).await;
        has(&story(&bench, id), &["again"]);
        bench.quiet().await;
        put(&bench, &task, Value::Null);
        once(&bench).await;
        assert_eq!(story(&bench, id), "", "{answer:?}");
        bench.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_two_paragraphs_of_a_long_text_are_merged() {
    for answer in ANSWERS {
        let bench = with_story(answer).await;
        let first = "<p>the <b>first</b></p><p>middle</p><p>the second</p>";
        let id = bug(&bench, "One", &[(NAME, json!(first))]);
        first_yes(&bench).await;
        let task = bench.task_named("One");
        let here = text(&bench, &task).replace("the second", "the second here");
        put(&bench, &task, json!(here));
        edit(
            &bench,
            id,
            &[(NAME, json!(first.replace("first", "first there")))],
        );
        once(&bench).await;
        has(
            &story(&bench, id),
            &["<b>first there</b>", "the second here"],
        );
        has(&text(&bench, &task), &["first there", "the second here"]);
        bench.quiet().await;
    }
}

/// A work item may have the field as Markdown: it stays that, with `<` and `&` as entities.
#[tokio::test(flavor = "multi_thread")]
async fn long_text_of_a_work_item_in_markdown_stays_markdown() {
    for answer in ANSWERS {
        let bench = with_story(answer).await;
        let id = bug(&bench, "One", &[]);
        let markdown = [
            json!({"op": "add", "path": "/fields/Custom.Story", "value": "a **b** &lt;c&gt;"}),
            json!({"op": "add", "path": "/multilineFieldsFormat/Custom.Story", "value": "Markdown"}),
        ];
        let patched = bench
            .world
            .ado
            .patch_as(id, &markdown, "ada@contoso.example");
        patched.unwrap();
        first_yes(&bench).await;
        let task = bench.task_named("One");
        has(&text(&bench, &task), &["a", "b", "c"]);
        let longer = format!("{}\n\nand more", text(&bench, &task).trim_end());
        put(&bench, &task, json!(longer));
        once(&bench).await;
        has(&story(&bench, id), &["a **b** &lt;c&gt;", "\n\nand more"]);
        bench.quiet().await;
    }
}

/// A text that reads otherwise as Markdown, typed by somebody in a field without formatting: no word of it is missing in Azure
/// DevOps, and ClickUp's text is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn no_word_of_a_text_without_formatting_is_lost() {
    let bench = with_story(LongTexts::Plain).await;
    let id = bug(&bench, "One", &[]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    for typed in [
        "call f(List<String>) <!-- sic -->\n[1]: see below\n5. five & more",
        "2 * 3 * 4\nsnake_case_name",
    ] {
        put(&bench, &task, json!(typed));
        once(&bench).await;
        let words = |text: &str| -> Vec<String> {
            let text = text.replace("&lt;", "<").replace("&gt;", ">");
            let words = text.split(|c: char| !c.is_alphanumeric());
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let arrived = words(&story(&bench, id));
        let missing: Vec<String> = words(typed)
            .into_iter()
            .filter(|word| !arrived.contains(word))
            .collect();
        assert!(missing.is_empty(), "{missing:?} of {}", story(&bench, id));
        bench.quiet().await;
        assert_eq!(text(&bench, &task), typed);
    }
}

/// The service says yes and keeps what was there: that is told with its reason, and is not sent in every cycle.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_that_clickup_does_not_keep_is_held() {
    for answer in ANSWERS {
        let bench = with_story(answer).await;
        let id = bug(&bench, "One", &[(NAME, json!("<p>one</p>"))]);
        first_yes(&bench).await;
        let task = bench.task_named("One");
        bench.world.clickup.keep_quietly(STORY, None);
        edit(&bench, id, &[(NAME, json!("<p>one <b>two</b> three</p>"))]);
        for _ in 0..5 {
            bench.run(&["reconcile", "--once"]).await.left_with(3);
        }
        bench
            .run(&["status"])
            .await
            .left_with(5)
            .says("custom:Story: sent \"one **two** three\", but ClickUp shows \"one\"");
        bench.world.ledger.clear();
        bench.run(&["reconcile", "--once"]).await.left_with(3);
        assert_eq!(bench.world.ledger.writes(), []);
        has(&story(&bench, id), &["one <b>two</b> three"]);
        bench.world.clickup.clear_quiet();
        edit(&bench, id, &[(NAME, json!("<p>four</p>"))]);
        once(&bench).await;
        has(&text(&bench, &task), &["four"]);
        bench.quiet().await;
    }
}

/// The service says yes and keeps the beginning. What is missing is nobody's edit: Azure DevOps keeps all of it, and it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_that_clickup_cuts_is_held_and_stays_whole_in_azure_devops() {
    let bench = with_story(LongTexts::Cut(12)).await;
    let whole = "<p>one <b>two</b></p><p>three and four</p>";
    let one = bug(&bench, "One", &[(NAME, json!("<p>one</p>"))]);
    first_yes(&bench).await;
    edit(&bench, one, &[(NAME, json!(whole))]);
    let two = bug(&bench, "Two", &[(NAME, json!(whole))]);
    for _ in 0..5 {
        bench.run(&["reconcile", "--once"]).await;
    }
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(bench.world.ledger.writes(), []);
    for id in [one, two] {
        assert_eq!(story(&bench, id), whole);
    }
    let task = bench.task_named("One");
    assert!(text(&bench, &task).starts_with("one"));
    bench.run(&["status"]).await.says("custom:Story");
}
