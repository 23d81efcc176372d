// Runs Microsoft's own Node client, unchanged, against a sandbox.
//
// Usage: node ado_client_check.js URL PROJECT PAT    (URL with the organisation, e.g. http://127.0.0.1:8080/contoso)
// The package is looked for in the folder that NODE_PATH names, so that nothing is installed beside this file.
// Exits with 0 when every expectation held; an assertion or an error of the client ends it with another code.

"use strict";

const assert = require("node:assert/strict");
const { Readable } = require("node:stream");
const ado = require("azure-devops-node-api");
const { TreeStructureGroup, WorkItemErrorPolicy, WorkItemExpand } = require(
  "azure-devops-node-api/interfaces/WorkItemTrackingInterfaces",
);

const field = (name, value) => ({ op: "add", path: "/fields/" + name, value });
const patch = { "Content-Type": "application/json-patch+json" };

async function text(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

async function main(url, project, pat) {
  const connection = new ado.WebApi(url, ado.getPersonalAccessTokenHandler(pat), {
    allowRetries: false,
  });
  const core = await connection.getCoreApi();
  const names = (await core.getProjects()).map((found) => found.name);
  assert.ok(names.includes(project), String(names));

  const wit = await connection.getWorkItemTrackingApi();
  const made = await wit.createWorkItem(
    patch,
    [field("System.Title", "From Node"), field("System.Tags", "b; a")],
    project,
    "User Story",
  );
  assert.equal(made.rev, 1);
  assert.equal(made.fields["System.State"], "New");
  assert.equal(made.fields["System.Tags"], "a; b");

  const guarded = [
    { op: "test", path: "/rev", value: 1 },
    field("System.State", "Active"),
    field("System.Tags", "c"),
  ];
  const changed = await wit.updateWorkItem(patch, guarded, made.id, project);
  assert.equal(changed.rev, 2);
  assert.equal(changed.fields["System.Tags"], "a; b; c", "add unites");
  await assert.rejects(wit.updateWorkItem(patch, guarded, made.id, project), (error) => {
    assert.equal(error.statusCode, 412);
    return true;
  });

  const parent = await wit.createWorkItem(patch, [field("System.Title", "Above")], project, "Feature");
  const link = {
    op: "add",
    path: "/relations/-",
    value: { rel: "System.LinkTypes.Hierarchy-Reverse", url: parent.url },
  };
  await wit.updateWorkItem(patch, [link], made.id, project);
  // The client sends the numbers of its enumerations: $expand=1, errorPolicy=2.
  const shown = await wit.getWorkItem(made.id, undefined, undefined, WorkItemExpand.Relations, project);
  assert.equal(shown.relations.length, 1);
  assert.equal(shown.fields["System.Parent"], parent.id);
  const rows = await wit.getWorkItems(
    [made.id, 999999],
    ["System.Id", "System.Title"],
    undefined,
    undefined,
    WorkItemErrorPolicy.Omit,
    project,
  );
  assert.deepEqual(
    rows.map((row) => row && row.fields["System.Title"]),
    ["From Node", null],
  );
  const batch = await wit.getWorkItemsBatch(
    { ids: [made.id, 999999], $expand: WorkItemExpand.All, errorPolicy: WorkItemErrorPolicy.Omit },
    project,
  );
  assert.equal(batch.length, 2);
  assert.equal(batch[0].fields["System.Rev"], 2, "a link makes no revision");

  const query =
    "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Title] = 'From Node'";
  const found = await wit.queryByWiql({ query }, { project });
  assert.deepEqual(
    found.workItems.map((row) => row.id),
    [made.id],
  );

  const comment = await wit.addComment({ text: "said in Node" }, project, made.id);
  assert.equal(comment.text, "said in Node");
  const listed = await wit.getComments(project, made.id);
  assert.equal(listed.totalCount, 1);

  const uploaded = await wit.createAttachment(null, Readable.from([Buffer.from("bytes")]), "note.txt", undefined, project);
  const file = { op: "add", path: "/relations/-", value: { rel: "AttachedFile", url: uploaded.url } };
  const linked = await wit.updateWorkItem(patch, [file], made.id, project);
  assert.equal(linked.rev, 4);
  const content = await wit.getAttachmentContent(uploaded.id, "note.txt", project);
  assert.equal(await text(content), "bytes");

  const types = (await wit.getWorkItemTypes(project)).map((type) => type.name);
  assert.ok(types.includes("User Story"), String(types));
  // The client leaves the number 0 (areas) out of addresses, so areas are asked for with the roots.
  const iterations = await wit.getClassificationNode(project, TreeStructureGroup.Iterations, undefined, 2);
  assert.equal(iterations.children[0].children, null);
  const roots = await wit.getRootNodes(project, 2);
  assert.deepEqual(
    roots.map((root) => root.name),
    [project, project],
  );
  const fields = await wit.getFields(project);
  assert.ok(fields.some((known) => known.referenceName === "System.Title"));

  await wit.deleteWorkItem(made.id, project);
  const binned = await wit.getDeletedWorkItemShallowReferences(project);
  assert.equal(binned.length, 1);
  await wit.restoreWorkItem({ isDeleted: false }, made.id, project);
  assert.equal((await wit.getWorkItem(made.id)).fields["System.Title"], "From Node");
  console.log("Microsoft's Node client agrees with the sandbox");
}

main(...process.argv.slice(2, 5)).catch((error) => {
  console.error(error);
  process.exit(1);
});
