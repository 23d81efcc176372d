"""Runs Microsoft's own client, unchanged, against a sandbox.

Usage: ado_client_check.py URL PROJECT PAT      (URL with the organisation, e.g. http://127.0.0.1:8080/contoso)
Exits with 0 when every expectation held; an assertion or an error of the client ends it with another code.
"""

import io
import sys

from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.work_item_tracking.models import (
    CommentCreate,
    JsonPatchOperation,
    TeamContext,
    Wiql,
    WorkItemBatchGetRequest,
)
from msrest.authentication import BasicAuthentication


def field(name, value):
    return JsonPatchOperation(op="add", path="/fields/" + name, value=value)


def main(url, project, pat):
    connection = Connection(base_url=url, creds=BasicAuthentication("", pat))
    core = connection.clients_v7_1.get_core_client()
    names = [found.name for found in core.get_projects()]
    assert project in names, names

    wit = connection.clients_v7_1.get_work_item_tracking_client()
    made = wit.create_work_item(
        [field("System.Title", "From Python"), field("System.Tags", "b; a")], project, "User Story"
    )
    assert made.rev == 1, made.rev
    assert made.fields["System.State"] == "New", made.fields
    assert made.fields["System.Tags"] == "a; b", made.fields

    guarded = [
        JsonPatchOperation(op="test", path="/rev", value=1),
        field("System.State", "Active"),
        field("System.Description", "bare text"),
    ]
    changed = wit.update_work_item(guarded, made.id, project)
    assert changed.rev == 2, changed.rev
    assert changed.fields["System.Description"] == "<div>bare text</div>", changed.fields
    try:
        wit.update_work_item(guarded, made.id, project)
    except AzureDevOpsServiceError as error:
        assert error.type_key == "TestPatchOperationFailedException", error.type_key
    else:
        raise AssertionError("a stale revision was accepted")

    query = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Title] = 'From Python'"
    found = wit.query_by_wiql(Wiql(query=query), TeamContext(project=project))
    assert [row.id for row in found.work_items] == [made.id], found.work_items

    request = WorkItemBatchGetRequest(ids=[made.id], fields=["System.Id", "System.Title"])
    batch = wit.get_work_items_batch(request, project)
    assert batch[0].fields["System.Title"] == "From Python", batch[0].fields

    comment = wit.add_comment(CommentCreate(text="said in Python"), project, made.id)
    assert comment.text == "said in Python", comment.text
    listed = wit.get_comments(project, made.id)
    assert listed.total_count == 1, listed.total_count

    uploaded = wit.create_attachment(io.BytesIO(b"bytes"), project, "note.txt")
    linked = wit.update_work_item(
        [
            JsonPatchOperation(
                op="add", path="/relations/-", value={"rel": "AttachedFile", "url": uploaded.url}
            )
        ],
        made.id,
        project,
    )
    assert linked.rev == 4, linked.rev
    content = b"".join(wit.get_attachment_content(uploaded.id, project))
    assert content == b"bytes", content

    types = [found.name for found in wit.get_work_item_types(project)]
    assert "User Story" in types, types
    nodes = wit.get_classification_node(project, "areas", depth=2)
    assert nodes.name == project, nodes.name
    wit.delete_work_item(made.id, project)
    bin_rows = wit.get_deleted_work_item_shallow_references(project)
    assert len(bin_rows) == 1, bin_rows
    print("Microsoft's client agrees with the sandbox")


if __name__ == "__main__":
    main(*sys.argv[1:4])
