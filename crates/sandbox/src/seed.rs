//! Boards to start from.

use super::ado::{AdoSandbox, Refusal};
use serde_json::{Value, json};

/// Fills the first project of an organisation made with `AdoConfig::default()` with a small believable board: a feature
/// with two stories, tasks and a bug. Returns the ids in order of creation.
pub fn ado_board(ado: &AdoSandbox, project: &str) -> Result<Vec<i64>, Refusal> {
    let rows: [(&str, Option<usize>, Value); 6] = [
        (
            "Feature",
            None,
            json!({
                "System.Title": "Checkout without an account",
                "System.Description": "<div>Guests can pay. Accounts stay optional.</div>",
                "System.State": "Active",
            }),
        ),
        (
            "User Story",
            Some(0),
            json!({
                "System.Title": "Guest can enter an address",
                "System.Description": "<div>As a guest I enter:</div><ul><li>name</li><li>street</li><li>country</li></ul>",
                "System.AssignedTo": "ada@contoso.example",
                "System.Tags": "Checkout; UX",
                "System.State": "Active",
                "Microsoft.VSTS.Scheduling.StoryPoints": 5,
            }),
        ),
        (
            "User Story",
            Some(0),
            json!({
                "System.Title": "Guest gets a receipt by mail",
                "System.Tags": "Checkout",
                "Microsoft.VSTS.Common.Priority": 3,
            }),
        ),
        (
            "Task",
            Some(1),
            json!({
                "System.Title": "Validate postcodes",
                "System.AssignedTo": "grace@contoso.example",
                "Microsoft.VSTS.Scheduling.RemainingWork": 4,
            }),
        ),
        (
            "Bug",
            Some(1),
            json!({
                "System.Title": "Country list is empty in Safari",
                "Microsoft.VSTS.TCM.ReproSteps": "<ol><li>Open the checkout</li><li>Tap <b>Country</b></li></ol>",
                "System.Tags": "Regression",
                "Microsoft.VSTS.Common.Priority": 1,
            }),
        ),
        (
            "Task",
            Some(2),
            json!({"System.Title": "Write the mail template", "System.State": "Closed"}),
        ),
    ];
    let mut ids: Vec<i64> = Vec::new();
    for (kind, parent, fields) in rows {
        let fields = fields.as_object().cloned().unwrap_or_default();
        let pairs: Vec<(&str, Value)> = fields
            .iter()
            .map(|(k, v)| (k.as_str(), v.clone()))
            .collect();
        let id = ado.create_item(project, kind, &pairs)?;
        if let Some(parent) = parent.and_then(|p| ids.get(p)) {
            ado.set_parent(id, Some(*parent), "ada@contoso.example")?;
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Creates `count` plain tasks, for load. Returns their ids.
pub fn ado_tasks(ado: &AdoSandbox, project: &str, count: usize) -> Result<Vec<i64>, Refusal> {
    let one = |n: usize| {
        ado.create_item(
            project,
            "Task",
            &[("System.Title", format!("Task {n:05}").into())],
        )
    };
    (1..=count).map(one).collect()
}
