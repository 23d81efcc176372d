//! The field catalogue of the fake Azure DevOps.

/// Value type of a field, as the fields API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Single line, at most 255 characters.
    String,
    /// Whole number.
    Integer,
    /// Floating-point number.
    Double,
    /// Instant in UTC.
    DateTime,
    /// Long text, HTML or Markdown.
    Html,
    /// Long text without markup (tags).
    PlainText,
    /// Area or iteration path.
    TreePath,
    /// A person; the API calls it a string with `isIdentity`.
    Identity,
    /// True or false.
    Boolean,
    /// The discussion.
    History,
}

impl Kind {
    /// Returns the name that the fields API uses.
    pub fn api_name(self) -> &'static str {
        match self {
            Kind::String | Kind::Identity => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::DateTime => "dateTime",
            Kind::Html => "html",
            Kind::PlainText => "plainText",
            Kind::TreePath => "treePath",
            Kind::Boolean => "boolean",
            Kind::History => "history",
        }
    }
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDef {
    /// Reference name, e.g. `System.Title`.
    pub reference: String,
    /// Friendly name, e.g. `Title`.
    pub name: String,
    /// Value type.
    pub kind: Kind,
    /// Whether only the server writes it. The API also reports tree paths as read-only, although they are not.
    pub server_only: bool,
}

type Row = (&'static str, &'static str, Kind, bool);

/// Reference name, friendly name, type, server-only.
/// Azure DevOps: REST examples `fields/GET__wit_fields.json`, process templates Agile and Scrum (2022).
const CATALOGUE: &[Row] = &[
    ("System.Id", "ID", Kind::Integer, true),
    ("System.Rev", "Rev", Kind::Integer, true),
    ("System.Watermark", "Watermark", Kind::Integer, true),
    ("System.PersonId", "Person ID", Kind::Integer, true),
    ("System.AreaId", "Area ID", Kind::Integer, true),
    ("System.IterationId", "Iteration ID", Kind::Integer, true),
    ("System.NodeName", "Node Name", Kind::String, true),
    ("System.AreaLevel1", "Area Level 1", Kind::String, true),
    (
        "System.IterationLevel1",
        "Iteration Level 1",
        Kind::String,
        true,
    ),
    (
        "System.AuthorizedDate",
        "Authorized Date",
        Kind::DateTime,
        true,
    ),
    ("System.AuthorizedAs", "Authorized As", Kind::Identity, true),
    ("System.RevisedDate", "Revised Date", Kind::DateTime, true),
    ("System.CreatedDate", "Created Date", Kind::DateTime, true),
    ("System.CreatedBy", "Created By", Kind::Identity, true),
    ("System.ChangedDate", "Changed Date", Kind::DateTime, true),
    ("System.ChangedBy", "Changed By", Kind::Identity, true),
    ("System.CommentCount", "Comment Count", Kind::Integer, true),
    ("System.Parent", "Parent", Kind::Integer, true),
    ("System.IsDeleted", "Is Deleted", Kind::Boolean, true),
    ("System.BoardColumn", "Board Column", Kind::String, true),
    (
        "System.BoardColumnDone",
        "Board Column Done",
        Kind::Boolean,
        true,
    ),
    ("System.TeamProject", "Team Project", Kind::String, false),
    ("System.WorkItemType", "Work Item Type", Kind::String, false),
    ("System.AreaPath", "Area Path", Kind::TreePath, false),
    (
        "System.IterationPath",
        "Iteration Path",
        Kind::TreePath,
        false,
    ),
    ("System.Title", "Title", Kind::String, false),
    ("System.State", "State", Kind::String, false),
    ("System.Reason", "Reason", Kind::String, false),
    ("System.AssignedTo", "Assigned To", Kind::Identity, false),
    ("System.Tags", "Tags", Kind::PlainText, false),
    ("System.Description", "Description", Kind::Html, false),
    ("System.History", "History", Kind::History, false),
    (
        "Microsoft.VSTS.TCM.ReproSteps",
        "Repro Steps",
        Kind::Html,
        false,
    ),
    (
        "Microsoft.VSTS.TCM.SystemInfo",
        "System Info",
        Kind::Html,
        false,
    ),
    (
        "Microsoft.VSTS.Common.AcceptanceCriteria",
        "Acceptance Criteria",
        Kind::Html,
        false,
    ),
    (
        "Microsoft.VSTS.Common.Priority",
        "Priority",
        Kind::Integer,
        false,
    ),
    (
        "Microsoft.VSTS.Common.Severity",
        "Severity",
        Kind::String,
        false,
    ),
    (
        "Microsoft.VSTS.Common.ValueArea",
        "Value Area",
        Kind::String,
        false,
    ),
    ("Microsoft.VSTS.Common.Risk", "Risk", Kind::String, false),
    (
        "Microsoft.VSTS.Common.Activity",
        "Activity",
        Kind::String,
        false,
    ),
    (
        "Microsoft.VSTS.Common.StackRank",
        "Stack Rank",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Common.BacklogPriority",
        "Backlog Priority",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Common.StateChangeDate",
        "State Change Date",
        Kind::DateTime,
        true,
    ),
    (
        "Microsoft.VSTS.Common.ActivatedDate",
        "Activated Date",
        Kind::DateTime,
        true,
    ),
    (
        "Microsoft.VSTS.Common.ActivatedBy",
        "Activated By",
        Kind::Identity,
        true,
    ),
    (
        "Microsoft.VSTS.Common.ResolvedDate",
        "Resolved Date",
        Kind::DateTime,
        true,
    ),
    (
        "Microsoft.VSTS.Common.ResolvedBy",
        "Resolved By",
        Kind::Identity,
        true,
    ),
    (
        "Microsoft.VSTS.Common.ClosedDate",
        "Closed Date",
        Kind::DateTime,
        true,
    ),
    (
        "Microsoft.VSTS.Common.ClosedBy",
        "Closed By",
        Kind::Identity,
        true,
    ),
    (
        "Microsoft.VSTS.Scheduling.StoryPoints",
        "Story Points",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.Effort",
        "Effort",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.OriginalEstimate",
        "Original Estimate",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.RemainingWork",
        "Remaining Work",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.CompletedWork",
        "Completed Work",
        Kind::Double,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.StartDate",
        "Start Date",
        Kind::DateTime,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.FinishDate",
        "Finish Date",
        Kind::DateTime,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.TargetDate",
        "Target Date",
        Kind::DateTime,
        false,
    ),
    (
        "Microsoft.VSTS.Scheduling.DueDate",
        "Due Date",
        Kind::DateTime,
        false,
    ),
];

/// Returns the stock fields.
pub fn stock() -> Vec<FieldDef> {
    let build = |&(reference, name, kind, server_only): &Row| FieldDef {
        reference: reference.to_owned(),
        name: name.to_owned(),
        kind,
        server_only,
    };
    CATALOGUE.iter().map(build).collect()
}

/// Finds a field by reference or friendly name, without regard to case.
pub fn find<'a>(all: &'a [FieldDef], name: &str) -> Option<&'a FieldDef> {
    all.iter()
        .find(|f| f.reference.eq_ignore_ascii_case(name) || f.name.eq_ignore_ascii_case(name))
}

/// Returns the allowed values of a picklist field; empty when any value goes.
pub fn allowed_values(reference: &str) -> &'static [&'static str] {
    match reference {
        "Microsoft.VSTS.Common.Priority" => &["1", "2", "3", "4"],
        "Microsoft.VSTS.Common.Severity" => &["1 - Critical", "2 - High", "3 - Medium", "4 - Low"],
        "Microsoft.VSTS.Common.ValueArea" => &["Architectural", "Business"],
        "Microsoft.VSTS.Common.Risk" => &["1 - High", "2 - Medium", "3 - Low"],
        // A list of numbers that an organisation made for a field of its own.
        "Custom.Tier" => &["1", "2", "3"],
        _ => &[],
    }
}

/// Returns the default value that a new item of any type having this field gets.
pub fn default_value(reference: &str) -> Option<serde_json::Value> {
    Some(match reference {
        "Microsoft.VSTS.Common.Priority" => 2.into(),
        "Microsoft.VSTS.Common.Severity" => "3 - Medium".into(),
        "Microsoft.VSTS.Common.ValueArea" => "Business".into(),
        _ => return None,
    })
}
