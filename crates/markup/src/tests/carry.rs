//! An edit goes over without what the edited side's service dropped.

use super::*;
use proptest::prelude::*;

/// What a service shows that drops the targets of relative links, images and emphasis of one kind.
fn dropped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("[") {
        let Some((label, tail)) = tail.split_once("](/") else {
            break;
        };
        let Some((_, tail)) = tail.split_once(')') else {
            break;
        };
        out.push_str(before);
        out.push_str(label);
        rest = tail;
    }
    out.push_str(rest);
    markdown(&out.replace("~~", ""))
}

#[test]
fn an_edit_elsewhere_leaves_a_link_that_the_edited_side_dropped() {
    let ado = "See [#5](/o/p/_workitems/edit/5) first.\n\nSecond words.";
    let clickup = "See #5 first.\n\nSecond words.";
    for (edited, expected) in [
        (
            "See #5 first.\n\nOther words.",
            "See [#5](/o/p/_workitems/edit/5) first.\n\nOther words.",
        ),
        (
            "New start.\n\nSee #5 first.\n\nSecond words.\n\nEnd.",
            "New start.\n\nSee [#5](/o/p/_workitems/edit/5) first.\n\nSecond words.\n\nEnd.",
        ),
        ("See #5 first.", "See [#5](/o/p/_workitems/edit/5) first."),
        ("Second words.", "Second words."),
        (
            "Second words.\n\nSee #5 first.",
            "Second words.\n\nSee [#5](/o/p/_workitems/edit/5) first.",
        ),
        // The paragraph itself was edited, and the words of the link are still there.
        (
            "Please see #5 first of all.\n\nSecond words.",
            "Please see [#5](/o/p/_workitems/edit/5) first of all.\n\nSecond words.",
        ),
        // They are not: the person took them out.
        (
            "See #57 first.\n\nSecond words.",
            "See #57 first.\n\nSecond words.",
        ),
        (
            "See the plan first.\n\nSecond words.",
            "See the plan first.\n\nSecond words.",
        ),
        ("", ""),
    ] {
        assert_eq!(carry(clickup, edited, ado), expected, "{edited:?}");
    }
}

#[test]
fn a_link_that_the_edited_side_did_show_can_be_taken_out_there() {
    let text = "See [#5](https://x.example/5) and [#6](/6).";
    let clickup = "See [#5](https://x.example/5) and #6.";
    assert_eq!(
        carry(clickup, "See #5 and #6.", text),
        "See #5 and [#6](/6)."
    );
}

#[test]
fn one_edited_item_of_a_list_leaves_the_others_alone() {
    let ado = "- [#1](/1) one\n- [#2](/2) two\n  - [#3](/3) deep\n- four";
    let clickup = dropped(ado);
    let edited = clickup
        .replace("two", "deux")
        .replace("four", "quatre\n- cinq");
    assert_eq!(
        carry(&clickup, &edited, ado),
        "- [#1](/1) one\n- [#2](/2) deux\n  - [#3](/3) deep\n- quatre\n- cinq"
    );
    let numbered = "1. [#1](/1) one\n2. [#2](/2) two";
    assert_eq!(
        carry(
            &dropped(numbered),
            "1. zero\n2. #1 one\n3. #2 two",
            numbered
        ),
        "1. zero\n2. [#1](/1) one\n3. [#2](/2) two"
    );
}

#[test]
fn one_edited_row_of_a_table_leaves_the_others_alone() {
    let ado = "| a | b |\n| --- | --- |\n| [#1](/1) | x |\n| [#2](/2) | y |";
    let edited = dropped(ado).replace('y', "z");
    assert_eq!(carry(&dropped(ado), &edited, ado), ado.replace('y', "z"));
}

#[test]
fn what_only_the_other_side_can_hold_stays_where_it_is() {
    let ado = "one\n\n![](https://x.example/i.png)\n\ntwo\n\n```js\na\n\nb\n```\n\nthree";
    let clickup = "one\n\ntwo\n\nthree";
    for (edited, expected) in [
        ("ONE\n\ntwo\n\nthree", ado.replace("one", "ONE")),
        ("one\n\nTWO\n\nthree", ado.replace("two", "TWO")),
        ("one\n\ntwo\n\nTHREE", ado.replace("three", "THREE")),
        ("one\n\nthree", ado.replace("two\n\n", "")),
        ("one\n\ntwo\n\nthree\n\nfour", format!("{ado}\n\nfour")),
    ] {
        assert_eq!(carry(clickup, edited, ado), expected, "{edited:?}");
    }
    // The other way: what only the edited side shows is not written for an edit of something else.
    let edited = ado.replace("two", "TWO");
    assert_eq!(carry(ado, &edited, clickup), "one\n\nTWO\n\nthree");
}

#[test]
fn without_losses_the_edit_is_the_text() {
    assert_eq!(carry("a\n\nb", "a\n\nc", "a\n\nb"), "a\n\nc");
    assert_eq!(carry("a\n\nb", "a\n\nb", "a\n\nB"), "a\n\nB");
    assert_eq!(carry("", "new", ""), "new");
    assert_eq!(carry("", "", "b"), "b");
}

#[test]
fn a_relative_link_leads_where_it_leads_on_its_page() {
    let page = "https://dev.azure.com/o/p/_workitems/edit/7";
    for (link, expected) in [
        ("[b](/o/x)", "[b](https://dev.azure.com/o/x)"),
        (
            "[b](../edit/6)",
            "[b](https://dev.azure.com/o/p/_workitems/edit/6)",
        ),
        ("[b](//h.example/y)", "[b](https://h.example/y)"),
        ("[b](https://h.example/y)", "[b](https://h.example/y)"),
        ("[b](mailto:a@b.example)", "[b](mailto:a@b.example)"),
        ("[@Ada](#user_mention#7)", "[@Ada](#user_mention#7)"),
        // These lead nowhere from another page.
        ("[b](#part)", "b"),
        ("[b](%5C%5Cserver%5Cshare)", "b"),
    ] {
        assert_eq!(
            absolute(&format!("a {link} c"), page),
            format!("a {expected} c")
        );
    }
    assert_eq!(absolute("a [b](/o/x)", "no address"), "a [b](/o/x)");
    assert_eq!(absolute("`[b](/x)`", page), "`[b](/x)`");
}

#[test]
fn the_same_words_are_told_from_other_words() {
    for (a, b, same) in [
        ("See [#5](/5) **now**", "See #5 now", true),
        ("- a\n- b", "a\n\nb", true),
        ("```\na b\n```", "a b", true),
        ("a b", "a c", false),
        ("a", "a a", false),
        ("", "a", false),
    ] {
        assert_eq!(same_words(a, b), same, "{a:?} {b:?}");
    }
}

/// A block and what the lossy side shows of it.
fn block() -> impl Strategy<Value = String> {
    let words = "[a-z]{2,6}( [a-z]{2,6}){1,4}";
    prop_oneof![
        4 => words,
        3 => (words, 1..99_u32, words).prop_map(|(a, n, b)| format!("{a} [#{n}](/o/p/{n}) {b}")),
        1 => words.prop_map(|text| format!("## {text}")),
        1 => words.prop_map(|text| format!("~~{text}~~ rest")),
        1 => (words, words, 1..99_u32).prop_map(|(a, b, n)| format!("- {a}\n- [x{n}](/x/{n}) {b}")),
        1 => (words, 1..99_u32).prop_map(|(a, n)| format!("| a | b |\n| --- | --- |\n| {a} | [#{n}](/t/{n}) |")),
        1 => words.prop_map(|text| format!("> {text}")),
        1 => words.prop_map(|text| format!("```\n{text}\n\n{text}\n```")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the two services lose: after an edit of one block on the lossy side every other block has its bytes.
    #[test]
    fn an_edit_of_one_block_leaves_every_other_block_its_bytes(
        mut blocks in prop::collection::vec(block(), 2..8),
        at in any::<prop::sample::Index>(),
        kind in 0..3_u8,
    ) {
        // Neighbours that are one block in normal form, and blocks that are there twice, are no blocks of their own.
        for (n, block) in blocks.iter_mut().enumerate() {
            if n % 2 == 1 {
                *block = format!("between {n}");
            }
        }
        // Without the paragraph between them two lists would be one block.
        let at = match kind {
            1 => at.index(blocks.len()),
            _ => at.index(blocks.len()) / 2 * 2,
        };
        let ado = markdown(&blocks.join("\n\n"));
        let clickup = dropped(&ado);
        let shown: Vec<String> = blocks.iter().map(|block| dropped(block)).collect();
        let mut edited = shown.clone();
        match kind {
            0 => edited[at] = "quite another thing".to_owned(),
            1 => edited.insert(at, "quite another thing".to_owned()),
            _ => { edited.remove(at); }
        }
        let edited = markdown(&edited.join("\n\n"));
        let raw = put(Html, "", &ado);
        let written = carry(&clickup, &edited, &ado);
        let now = put(Html, &raw, &written);
        for (n, block) in blocks.iter().enumerate() {
            if n == at && kind != 1 {
                continue;
            }
            let bytes = put(Html, "", &markdown(block));
            prop_assert!(now.contains(&bytes), "{bytes:?} is not in {now:?}\nedited: {edited:?}");
        }
        prop_assert_eq!(now.contains("quite another thing"), kind < 2);
        // And the way back: an edit on the whole side writes nothing of the others to the lossy one.
        let back = carry(&ado, &written, &clickup);
        prop_assert_eq!(back, edited);
    }
}

/// A service that keeps no formatting shows paragraphs as lines.
#[test]
fn an_edit_of_a_line_leaves_the_paragraphs_of_the_other_side() {
    let (base, other) = ("one\\\ntwo\\\nthree", "**one**\n\ntwo\n\n- three");
    for (now, wanted) in [
        ("one\\\ntwo\\\nthree more", "**one**\n\ntwo\n\nthree more"),
        ("one\\\ntwo more\\\nthree", "**one**\n\ntwo more\n\n- three"),
        ("one\\\ntwo\n\nthree", "**one**\n\ntwo\n\n- three"),
        // The last line gets the mark of a break, and is none that was edited.
        (
            "one\\\ntwo\\\nthree\n\nfour",
            "**one**\n\ntwo\n\n- three\n\nfour",
        ),
        ("two\\\nthree", "two\n\n- three"),
    ] {
        assert_eq!(crate::carry(base, now, other), wanted, "{now}");
    }
    // What the edit is about is the paragraphs.
    let joined = crate::carry("one\n\ntwo", "one\\\ntwo", "**one**\n\ntwo");
    assert_eq!(joined, "**one**\\\ntwo");
}
