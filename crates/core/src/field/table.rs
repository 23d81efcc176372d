//! The rows. Their order is the one in which plans list fields.

use super::number::{Number, Priority};
use super::vocabulary::{STATE, TYPE};
use super::{
    Ado, ClickUp, Create, Field, Suspect, custom, day, duration, line, people, tags, text,
};

/// Turns the rows into the keys and the look-up of a key's row.
macro_rules! fields {
    ($($(#[$doc:meta])+ $key:ident => $row:expr;)+) => {
        /// Names a synced field: a row of the table of fields, or a custom field.
        ///
        /// The text form is the row's word (`title`, `status`, ...) or `custom:NAME`.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FieldKey {
            $($(#[$doc])+ $key,)+
            /// A mapped custom field, named as in the configuration.
            Custom(String),
        }

        impl FieldKey {
            /// Every built-in field, in the order in which a plan lists them.
            pub const BUILT_IN: [FieldKey; [$(stringify!($key)),+].len()] = [$(FieldKey::$key),+];

            /// Returns the field's row.
            pub fn row(&self) -> &'static Field {
                match self {
                    $(FieldKey::$key => {
                        static ROW: Field = $row;
                        &ROW
                    })+
                    FieldKey::Custom(_) => &custom::ROW,
                }
            }
        }
    };
}

fields! {
    /// Single-line title, trimmed.
    Title => Field {
        word: "title",
        also: &["name"],
        kind: &line::Line,
        unasked: true,
        everywhere: true,
        create: Create { always: true, vital: true, filled: true },
        suspect: None,
        ado: Ado { names: &["System.Title"], label: Some("title"), every_type: true },
        clickup: ClickUp { name: "name", feature: None },
    };
    /// Work item type or ClickUp task type, in the side's own vocabulary.
    Type => Field {
        word: "type",
        also: &[],
        kind: &TYPE,
        unasked: false,
        everywhere: false,
        create: Create { always: true, vital: true, filled: false },
        suspect: None,
        ado: Ado { names: &["System.WorkItemType"], label: Some("work item type"), every_type: true },
        clickup: ClickUp { name: "custom_item_id", feature: None },
    };
    /// State or status, in the side's own vocabulary.
    State => Field {
        word: "status",
        also: &["state"],
        kind: &STATE,
        unasked: true,
        everywhere: true,
        create: Create { always: false, vital: true, filled: false },
        suspect: Some(Suspect::Rules),
        ado: Ado { names: &["System.State"], label: Some("state"), every_type: true },
        clickup: ClickUp { name: "status", feature: None },
    };
    /// People who do the work. ADO holds at most one.
    Assignees => Field {
        word: "assignees",
        also: &["assignee", "assigned_to"],
        kind: &people::People,
        unasked: true,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: Some(Suspect::People),
        ado: Ado { names: &["System.AssignedTo"], label: Some("assigned to"), every_type: true },
        clickup: ClickUp { name: "assignees", feature: None },
    };
    /// 1 (highest) to 4 on both services.
    Priority => Field {
        word: "priority",
        also: &[],
        kind: &Priority,
        unasked: true,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: None,
        ado: Ado {
            names: &["Microsoft.VSTS.Common.Priority"],
            label: Some("priority"),
            every_type: false,
        },
        clickup: ClickUp { name: "priority", feature: Some(("priorities", "Priorities")) },
    };
    /// Tags; identity is the trimmed, case-folded name.
    Tags => Field {
        word: "tags",
        also: &[],
        kind: &tags::Tags,
        unasked: true,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: Some(Suspect::Rights),
        ado: Ado { names: &["System.Tags"], label: Some("tags"), every_type: true },
        clickup: ClickUp { name: "tags", feature: Some(("tags", "Tags")) },
    };
    /// First day of work.
    StartDate => Field {
        word: "start_date",
        also: &[],
        kind: &day::Day,
        unasked: true,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: Some(Suspect::Dates),
        ado: Ado {
            names: &["Microsoft.VSTS.Scheduling.StartDate"],
            label: None,
            every_type: false,
        },
        clickup: ClickUp { name: "start_date", feature: None },
    };
    /// Day by which it is to be done (target, finish or due date on ADO, as mapped).
    DueDate => Field {
        word: "due_date",
        also: &[],
        kind: &day::Day,
        unasked: true,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: Some(Suspect::Dates),
        // Agile has DueDate, Basic and Scrum TargetDate, CMMI FinishDate.
        ado: Ado {
            names: &[
                "Microsoft.VSTS.Scheduling.DueDate",
                "Microsoft.VSTS.Scheduling.TargetDate",
                "Microsoft.VSTS.Scheduling.FinishDate",
            ],
            label: None,
            every_type: false,
        },
        clickup: ClickUp { name: "due_date", feature: Some(("due_dates", "Due Dates")) },
    };
    /// Estimated effort as a duration.
    Estimate => Field {
        word: "time_estimate",
        also: &["estimate", "time"],
        kind: &duration::Duration,
        unasked: false,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: None,
        ado: Ado {
            names: &["Microsoft.VSTS.Scheduling.OriginalEstimate"],
            label: None,
            every_type: false,
        },
        clickup: ClickUp {
            name: "time_estimate",
            feature: Some(("time_estimates", "Time Estimates")),
        },
    };
    /// Story points, effort or size.
    Points => Field {
        word: "points",
        also: &["story_points", "story points"],
        kind: &Number,
        unasked: false,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: None,
        // Agile, Scrum and CMMI name it differently (microsoft/process-customization-scripts, Import, 2022).
        ado: Ado {
            names: &[
                "Microsoft.VSTS.Scheduling.StoryPoints",
                "Microsoft.VSTS.Scheduling.Effort",
                "Microsoft.VSTS.Scheduling.Size",
            ],
            label: None,
            every_type: false,
        },
        clickup: ClickUp { name: "points", feature: Some(("points", "Sprint Points")) },
    };
    /// Long text in canonical Markdown.
    Description => Field {
        word: "description",
        also: &[],
        kind: &text::Text,
        unasked: true,
        everywhere: false,
        create: Create::OPTIONAL,
        suspect: None,
        // The form of a Bug shows its repro steps and not its description.
        ado: Ado {
            names: &["Microsoft.VSTS.TCM.ReproSteps", "System.Description"],
            label: None,
            every_type: false,
        },
        clickup: ClickUp { name: "markdown_description", feature: None },
    };
}
