//! What an edit does to the text it is put into: neighbours, the footer, and two edits at once.

use super::*;

#[test]
fn a_changed_paragraph_leaves_its_neighbours_bytes_alone() {
    let raw = "<div style=\"x\"><div><span style=\"color:red\">one</span></div><p>two</p><table border=3><tr><td>t</table></div>";
    let wanted = html(raw).replace("two", "**deux**");
    let written = put(Html, raw, &wanted);
    assert_eq!(
        written,
        raw.replace("<p>two</p>", "<p><strong>deux</strong></p>")
    );

    let raw =
        "*   one\n*   __uno__\n\ntwo\r\n\r\n* * *\n\nthree  \nfour\n\n[r]: https://r.example\n";
    let written = put(Markdown, raw, &markdown(raw).replace("two", "deux"));
    for kept in [
        "*   one\n*   __uno__\n",
        "* * *\n",
        "three  \nfour\n",
        "[r]: https://r.example\n",
        "deux",
    ] {
        assert!(written.contains(kept), "{kept:?} in {written:?}");
    }
}

#[test]
fn an_empty_text_empties_the_field_but_for_the_footer() {
    assert_eq!(put(Html, "<p>x</p>", ""), "");
    assert_eq!(put(Markdown, "x", ""), "");
    let raw = with_footer("x", "Bug 812", URL);
    let emptied = put(Markdown, &raw, "");
    assert_eq!(
        footer(&emptied),
        Some(("Bug 812".to_owned(), URL.to_owned()))
    );
    assert_eq!(markdown(&emptied), "");
}

#[test]
fn the_footer_is_no_part_of_the_text_and_survives_an_edit() {
    let raw = with_footer("*   one\n\ntwo", "Bug [812]", URL);
    assert_eq!(markdown(&raw), "- one\n\ntwo");
    let written = put(Markdown, &raw, "- one\n\ntwo\n\nthree");
    assert_eq!(
        footer(&written),
        Some(("Bug [812]".to_owned(), URL.to_owned()))
    );
    assert_eq!(markdown(&written), "- one\n\ntwo\n\nthree");
    assert!(
        written.starts_with("*   one\n\ntwo\n\nthree\n\nAzure DevOps: "),
        "{written}"
    );
}

#[test]
fn a_footer_is_replaced_not_repeated() {
    let twice = with_footer(
        &with_footer("text", "Bug 1", "https://d.example/1"),
        "Bug 2",
        URL,
    );
    assert_eq!(twice.matches(FOOTER_PREFIX).count(), 1);
    assert_eq!(footer(&twice), Some(("Bug 2".to_owned(), URL.to_owned())));
}

#[test]
fn the_footer_is_found_as_the_editor_spells_it() {
    let label = "[Bug 812] low_tide".to_owned();
    for line in [
        format!("Azure DevOps: [\\[Bug 812\\] low\\_tide]({URL})"),
        format!("text  \nAzure DevOps:  [\\[Bug 812\\] low\\_tide]({URL} \"t\")  \n\n"),
        format!("*   item\n\nAzure DevOps: [\\[Bug 812\\] low\\_tide](<{URL}>)\n\nTyped below."),
    ] {
        assert_eq!(
            footer(&line),
            Some((label.clone(), URL.to_owned())),
            "{line}"
        );
        assert!(!markdown(&line).contains("Azure"), "{line}");
    }
    for line in [format!("Azure DevOps: <{URL}>"), footer::line(URL, URL)] {
        assert_eq!(
            footer(&line),
            Some((URL.to_owned(), URL.to_owned())),
            "{line}"
        );
    }
}

#[test]
fn a_sentence_that_only_resembles_the_footer_is_text() {
    for line in [
        "Azure DevOps: see [x](https://x.example)",
        "Azure DevOps: soon",
        "- Azure DevOps: [x](https://x.example)",
    ] {
        assert_eq!(footer(line), None, "{line}");
        assert!(markdown(line).contains("Azure DevOps"), "{line}");
    }
}

#[test]
fn a_footer_is_set_even_behind_an_open_fence() {
    let raw = with_footer("text\n\n```js\nlet a;", "Bug 812", URL);
    assert_eq!(footer(&raw), Some(("Bug 812".to_owned(), URL.to_owned())));
    assert_eq!(markdown(&raw), markdown("text\n\n```js\nlet a;"));
}

#[test]
fn a_footer_is_set_even_behind_an_open_comment() {
    for text in [
        "text\n\n<!-- a note".to_owned(),
        "text  \nAzure DevOps: <https://d.example/1>\n<!--".to_owned(),
        format!("text\n\n{}\n\n<!--", footer::line("Bug 811", URL)),
    ] {
        let raw = with_footer(&text, "Bug 812", URL);
        assert_eq!(footer(&raw), Some(("Bug 812".to_owned(), URL.to_owned())));
        assert_eq!(markdown(&raw), markdown(&text));
        assert_eq!(with_footer(&raw, "Bug 812", URL), raw, "a second time");
    }
}

#[test]
fn edits_of_different_paragraphs_fit_together() {
    let merged = merge3(
        "one\n\ntwo\n\nthree",
        "ONE\n\ntwo\n\nthree",
        "one\n\ntwo\n\nthree\n\nfour",
    );
    assert_eq!(
        merged,
        TextMerge::Clean("ONE\n\ntwo\n\nthree\n\nfour".to_owned())
    );
}

#[test]
fn edits_of_one_paragraph_conflict_and_other_edits_are_in_both_ways_out() {
    let merged = merge3(
        "one\n\ntwo\n\nthree",
        "one A\n\ntwo\n\nthree",
        "one B\n\ntwo\n\nTHREE",
    );
    let expected = TextMerge::Conflict {
        taking_a: "one A\n\ntwo\n\nTHREE".to_owned(),
        taking_b: "one B\n\ntwo\n\nTHREE".to_owned(),
    };
    assert_eq!(merged, expected);
}

#[test]
fn an_edit_against_a_deletion_conflicts() {
    assert!(matches!(
        merge3("one\n\ntwo", "one", "one\n\nTWO"),
        TextMerge::Conflict { .. }
    ));
    assert!(matches!(
        merge3("one", "", "two"),
        TextMerge::Conflict { .. }
    ));
}
