//! Stock processes: types, states, transitions and the fields of each type.

/// A stock process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Agile: User Story, Task, Bug, Feature, Epic, Issue.
    Agile,
    /// Scrum: Product Backlog Item, Task, Bug, Feature, Epic, Impediment.
    Scrum,
    /// Basic: Epic, Issue, Task.
    Basic,
}

/// One state of a type: name, colour (six hex digits), category.
pub type StateDef = (&'static str, &'static str, &'static str);

/// One work item type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeDef {
    /// Name, e.g. `User Story`.
    pub name: &'static str,
    /// Reference name.
    pub reference: &'static str,
    /// Colour, six hex digits.
    pub color: &'static str,
    /// Its states in board order; the first is the only one in which an item can be created.
    pub states: &'static [StateDef],
    /// Transitions that are not allowed; everything else is.
    pub blocked: &'static [(&'static str, &'static str)],
    /// Fields that it has besides the system ones.
    pub fields: &'static [&'static str],
}

impl TypeDef {
    /// Returns the state in which items are created.
    pub fn initial(&self) -> &'static str {
        self.states.first().map_or("", |s| s.0)
    }

    /// Returns a state as it is spelt in the process, found without regard to case.
    pub fn state(&self, name: &str) -> Option<&'static StateDef> {
        self.states.iter().find(|s| s.0.eq_ignore_ascii_case(name))
    }

    /// Whether an item may go from one state to another. Staying is always allowed.
    pub fn allows(&self, from: &str, to: &str) -> bool {
        from == to || !self.blocked.contains(&(from, to))
    }
}

impl Process {
    /// Returns the name of the process.
    pub fn name(self) -> &'static str {
        match self {
            Process::Agile => "Agile",
            Process::Scrum => "Scrum",
            Process::Basic => "Basic",
        }
    }

    /// Returns the id of the system process. Azure DevOps CLI recordings, `GET /_apis/process/processes`.
    pub fn id(self) -> &'static str {
        match self {
            Process::Agile => "adcc42ab-9882-485e-a3ed-7678f01f66bc",
            Process::Scrum => "6b724908-ef14-45cf-84f8-768b5384da45",
            Process::Basic => "b8a3a935-7e91-48b8-a94c-606d37c3e9f2",
        }
    }

    /// Returns its types.
    pub fn types(self) -> &'static [TypeDef] {
        match self {
            Process::Agile => AGILE,
            Process::Scrum => SCRUM,
            Process::Basic => BASIC,
        }
    }

    /// Finds a type by name, without regard to case.
    pub fn find(self, name: &str) -> Option<&'static TypeDef> {
        let types = self.types();
        types.iter().find(|t| t.name.eq_ignore_ascii_case(name))
    }
}

/// Returns the reason that the server picks for entering a state.
pub fn default_reason(state: &str, created: bool) -> String {
    match (state, created) {
        ("New", true) => "New".to_owned(),
        ("To Do", true) => "Added to backlog".to_owned(),
        ("Active", false) => "Implementation started".to_owned(),
        ("Closed", false) => "Acceptance tests pass".to_owned(),
        ("Resolved", false) => "Code complete and unit tests pass".to_owned(),
        ("Removed", false) => "Removed from the backlog".to_owned(),
        (other, true) => other.to_owned(),
        (other, false) => format!("Moved to state {other}"),
    }
}

/// Fields that every type has.
pub const SYSTEM_FIELDS: &[&str] = &[
    "System.Id",
    "System.Rev",
    "System.Title",
    "System.State",
    "System.Reason",
    "System.AssignedTo",
    "System.Tags",
    "System.Description",
    "System.History",
    "System.TeamProject",
    "System.WorkItemType",
    "System.AreaPath",
    "System.IterationPath",
    "System.CreatedDate",
    "System.CreatedBy",
    "System.ChangedDate",
    "System.ChangedBy",
    "System.CommentCount",
    "System.Parent",
    "Microsoft.VSTS.Common.Priority",
    "Microsoft.VSTS.Common.StateChangeDate",
    "Microsoft.VSTS.Common.ActivatedDate",
    "Microsoft.VSTS.Common.ClosedDate",
];

// Azure DevOps: process-customization-scripts `Import/{Agile,Scrum}` (2022); docs workflow-and-state-categories.md.
const RESOLVING: &[StateDef] = &[
    ("New", "b2b2b2", "Proposed"),
    ("Active", "007acc", "InProgress"),
    ("Resolved", "ff9d00", "Resolved"),
    ("Closed", "339933", "Completed"),
    ("Removed", "ffffff", "Removed"),
];
const TASK: &[StateDef] = &[
    ("New", "b2b2b2", "Proposed"),
    ("Active", "007acc", "InProgress"),
    ("Closed", "339933", "Completed"),
    ("Removed", "ffffff", "Removed"),
];
const BUG: &[StateDef] = &[
    ("New", "b2b2b2", "Proposed"),
    ("Active", "007acc", "InProgress"),
    ("Resolved", "ff9d00", "Resolved"),
    ("Closed", "339933", "Completed"),
];
const ISSUE: &[StateDef] = &[
    ("Active", "007acc", "InProgress"),
    ("Closed", "339933", "Completed"),
];
const BACKLOG: &[StateDef] = &[
    ("New", "b2b2b2", "Proposed"),
    ("Approved", "b2b2b2", "Proposed"),
    ("Committed", "007acc", "InProgress"),
    ("Done", "339933", "Completed"),
    ("Removed", "ffffff", "Removed"),
];
const PORTFOLIO: &[StateDef] = &[
    ("New", "b2b2b2", "Proposed"),
    ("In Progress", "007acc", "InProgress"),
    ("Done", "339933", "Completed"),
    ("Removed", "ffffff", "Removed"),
];
const SCRUM_TASK: &[StateDef] = &[
    ("To Do", "b2b2b2", "Proposed"),
    ("In Progress", "007acc", "InProgress"),
    ("Done", "339933", "Completed"),
    ("Removed", "ffffff", "Removed"),
];
const IMPEDIMENT: &[StateDef] = &[
    ("Open", "007acc", "InProgress"),
    ("Closed", "339933", "Completed"),
];
const SIMPLE: &[StateDef] = &[
    ("To Do", "b2b2b2", "Proposed"),
    ("Doing", "007acc", "InProgress"),
    ("Done", "339933", "Completed"),
];

const AGILE_BLOCKED: &[(&str, &str)] = &[
    ("Removed", "Active"),
    ("Removed", "Resolved"),
    ("Removed", "Closed"),
    ("Closed", "Removed"),
];
const SCRUM_BLOCKED: &[(&str, &str)] = &[
    ("Removed", "Approved"),
    ("Removed", "Committed"),
    ("Removed", "In Progress"),
    ("Removed", "Done"),
    ("Done", "Removed"),
];

const STORY_FIELDS: &[&str] = &[
    "Microsoft.VSTS.Common.AcceptanceCriteria",
    "Microsoft.VSTS.Scheduling.StoryPoints",
    "Microsoft.VSTS.Common.Risk",
    "Microsoft.VSTS.Common.StackRank",
    "Microsoft.VSTS.Common.ValueArea",
    "Microsoft.VSTS.Scheduling.StartDate",
    "Microsoft.VSTS.Scheduling.FinishDate",
];
const TASK_FIELDS: &[&str] = &[
    "Microsoft.VSTS.Common.Activity",
    "Microsoft.VSTS.Common.StackRank",
    "Microsoft.VSTS.Scheduling.OriginalEstimate",
    "Microsoft.VSTS.Scheduling.RemainingWork",
    "Microsoft.VSTS.Scheduling.CompletedWork",
    "Microsoft.VSTS.Scheduling.StartDate",
    "Microsoft.VSTS.Scheduling.FinishDate",
];
const BUG_FIELDS: &[&str] = &[
    "Microsoft.VSTS.TCM.ReproSteps",
    "Microsoft.VSTS.TCM.SystemInfo",
    "Microsoft.VSTS.Common.AcceptanceCriteria",
    "Microsoft.VSTS.Common.Severity",
    "Microsoft.VSTS.Common.ValueArea",
    "Microsoft.VSTS.Common.StackRank",
    "Microsoft.VSTS.Scheduling.StoryPoints",
    "Microsoft.VSTS.Scheduling.OriginalEstimate",
    "Microsoft.VSTS.Scheduling.RemainingWork",
    "Microsoft.VSTS.Scheduling.CompletedWork",
];
const PORTFOLIO_FIELDS: &[&str] = &[
    "Microsoft.VSTS.Common.AcceptanceCriteria",
    "Microsoft.VSTS.Common.ValueArea",
    "Microsoft.VSTS.Common.StackRank",
    "Microsoft.VSTS.Scheduling.Effort",
    "Microsoft.VSTS.Scheduling.StartDate",
    "Microsoft.VSTS.Scheduling.TargetDate",
];
const SCRUM_ITEM_FIELDS: &[&str] = &[
    "Microsoft.VSTS.TCM.ReproSteps",
    "Microsoft.VSTS.Common.Severity",
    "Microsoft.VSTS.Common.AcceptanceCriteria",
    "Microsoft.VSTS.Common.ValueArea",
    "Microsoft.VSTS.Common.BacklogPriority",
    "Microsoft.VSTS.Scheduling.Effort",
    "Microsoft.VSTS.Scheduling.RemainingWork",
];
const ISSUE_FIELDS: &[&str] = &[
    "Microsoft.VSTS.Scheduling.DueDate",
    "Microsoft.VSTS.Common.StackRank",
];
const BASIC_FIELDS: &[&str] = &[
    "Microsoft.VSTS.Common.Activity",
    "Microsoft.VSTS.Scheduling.Effort",
    "Microsoft.VSTS.Scheduling.RemainingWork",
    "Microsoft.VSTS.Scheduling.StartDate",
    "Microsoft.VSTS.Scheduling.TargetDate",
];

const fn kind(
    name: &'static str,
    reference: &'static str,
    color: &'static str,
    states: &'static [StateDef],
    blocked: &'static [(&'static str, &'static str)],
    fields: &'static [&'static str],
) -> TypeDef {
    TypeDef {
        name,
        reference,
        color,
        states,
        blocked,
        fields,
    }
}

const AGILE: &[TypeDef] = &[
    kind(
        "Bug",
        "Microsoft.VSTS.WorkItemTypes.Bug",
        "CC293D",
        BUG,
        &[],
        BUG_FIELDS,
    ),
    kind(
        "Task",
        "Microsoft.VSTS.WorkItemTypes.Task",
        "F2CB1D",
        TASK,
        AGILE_BLOCKED,
        TASK_FIELDS,
    ),
    kind(
        "Issue",
        "Microsoft.VSTS.WorkItemTypes.Issue",
        "B4009E",
        ISSUE,
        &[],
        ISSUE_FIELDS,
    ),
    kind(
        "Epic",
        "Microsoft.VSTS.WorkItemTypes.Epic",
        "FF7B00",
        RESOLVING,
        AGILE_BLOCKED,
        PORTFOLIO_FIELDS,
    ),
    kind(
        "Feature",
        "Microsoft.VSTS.WorkItemTypes.Feature",
        "773B93",
        RESOLVING,
        AGILE_BLOCKED,
        PORTFOLIO_FIELDS,
    ),
    kind(
        "User Story",
        "Microsoft.VSTS.WorkItemTypes.UserStory",
        "009CCC",
        RESOLVING,
        AGILE_BLOCKED,
        STORY_FIELDS,
    ),
];
const SCRUM: &[TypeDef] = &[
    kind(
        "Bug",
        "Microsoft.VSTS.WorkItemTypes.Bug",
        "CC293D",
        BACKLOG,
        SCRUM_BLOCKED,
        SCRUM_ITEM_FIELDS,
    ),
    kind(
        "Task",
        "Microsoft.VSTS.WorkItemTypes.Task",
        "F2CB1D",
        SCRUM_TASK,
        SCRUM_BLOCKED,
        TASK_FIELDS,
    ),
    kind(
        "Impediment",
        "Microsoft.VSTS.WorkItemTypes.Impediment",
        "B4009E",
        IMPEDIMENT,
        &[],
        &[],
    ),
    kind(
        "Epic",
        "Microsoft.VSTS.WorkItemTypes.Epic",
        "FF7B00",
        PORTFOLIO,
        SCRUM_BLOCKED,
        PORTFOLIO_FIELDS,
    ),
    kind(
        "Feature",
        "Microsoft.VSTS.WorkItemTypes.Feature",
        "773B93",
        PORTFOLIO,
        SCRUM_BLOCKED,
        PORTFOLIO_FIELDS,
    ),
    kind(
        "Product Backlog Item",
        "Microsoft.VSTS.WorkItemTypes.ProductBacklogItem",
        "009CCC",
        BACKLOG,
        SCRUM_BLOCKED,
        SCRUM_ITEM_FIELDS,
    ),
];
const BASIC: &[TypeDef] = &[
    kind(
        "Epic",
        "Microsoft.VSTS.WorkItemTypes.Epic",
        "E06C00",
        SIMPLE,
        &[],
        BASIC_FIELDS,
    ),
    kind(
        "Issue",
        "Microsoft.VSTS.WorkItemTypes.Issue",
        "339947",
        SIMPLE,
        &[],
        BASIC_FIELDS,
    ),
    kind(
        "Task",
        "Microsoft.VSTS.WorkItemTypes.Task",
        "A4880A",
        SIMPLE,
        &[],
        BASIC_FIELDS,
    ),
];
