// Keeps the page in step with the server: it says when something changed, this fetches the state and redraws what differs.

import { pagerDutyAlert, pagerDutyNote } from "./pagerduty.js";
import { teamsPost } from "./teams.js";

const byId = (id) => document.getElementById(id);
let drawnOnce = false;

// Each entry: a key that names it, a stamp that differs when it must be drawn anew, when it came, and how to draw it.
function teamsEntries(state) {
  return state.posts
    .filter((post) => post.kind === "teams")
    .map((post) => ({ key: `post-${post.id}`, stamp: "", at: post.received_at, id: post.id, draw: () => teamsPost(post) }));
}

function pagerDutyEntries(state) {
  const alerts = state.alerts.map((alert) => ({
    key: `alert-${alert.id}`,
    stamp: `${alert.state} ${alert.count}`,
    at: alert.last_at,
    id: alert.id,
    draw: () => pagerDutyAlert(alert),
  }));
  const notes = state.posts
    .filter((post) => post.kind === "pagerduty" && post.reason)
    .map((post) => ({ key: `post-${post.id}`, stamp: "", at: post.received_at, id: post.id, draw: () => pagerDutyNote(post) }));
  return [...alerts, ...notes].sort((one, other) => Date.parse(other.at) - Date.parse(one.at) || other.id - one.id);
}

// The mark goes when its animation ends: a lane hidden behind its tab would play it again each time it is shown.
function markFresh(item) {
  item.classList.add("fresh");
  item.addEventListener("animationend", () => item.classList.remove("fresh"), { once: true });
}

function show(lane, entries) {
  const list = byId(lane).querySelector(".posts");
  const drawn = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const items = entries.map((entry) => {
    const known = drawn.get(entry.key);
    if (known?.dataset.stamp === entry.stamp) return known;
    const item = entry.draw();
    item.dataset.key = entry.key;
    item.dataset.stamp = entry.stamp;
    if (drawnOnce) markFresh(item);
    return item;
  });
  const wanted = new Set(items);
  for (const item of drawn.values()) if (!wanted.has(item)) item.remove();
  // Only what isn't in its place is moved, so that an opened detail or a selection elsewhere stays as it is.
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
  byId(lane).classList.toggle("has-posts", items.length > 0);
  for (const count of document.querySelectorAll(`[data-count="${lane}"]`)) count.textContent = items.length;
  return items.filter((item) => !drawn.has(item.dataset.key)).length;
}

function draw(state) {
  const news = [
    [show("teams", teamsEntries(state)), "Teams"],
    [show("pagerduty", pagerDutyEntries(state)), "PagerDuty"],
  ];
  if (drawnOnce) {
    const said = news.filter(([count]) => count > 0).map(([count, where]) => `${count} new in ${where}`);
    if (said.length > 0) byId("news").textContent = said.join(", ");
  }
  people(state.people);
  byId("teams-health").value = state.settings.teams;
  byId("pagerduty-health").value = state.settings.pagerduty;
  document.body.dataset.teams = state.settings.teams;
  document.body.dataset.pagerduty = state.settings.pagerduty;
  const pages = state.posts.filter((post) => post.kind === "teams").length + state.alerts.length;
  document.title = pages > 0 ? `(${pages}) Pager inbox` : "Pager inbox";
  drawnOnce = true;
}

// The users of this PagerDuty don't change while the inbox runs, so they are listed once.
function people(known) {
  const list = byId("person");
  if (list.options.length > 0) return;
  list.append(...Object.entries(known).map(([id, name]) => new Option(name, id)));
}

function connected(yes) {
  byId("link").dataset.state = yes ? "live" : "lost";
  byId("link").textContent = yes ? "Live" : "Not connected, trying again…";
}

let wanted = -1;
let reading = false;

// One read at a time: a burst of posts ends in one more read, not in one for each.
async function catchUp(revision) {
  wanted = revision;
  if (reading) return;
  reading = true;
  try {
    let shown = -1;
    while (shown !== wanted) {
      shown = wanted;
      const response = await fetch("/state");
      draw(await response.json());
    }
  } catch (error) {
    console.warn("The inbox's state can't be read:", error);
    connected(false);
  } finally {
    reading = false;
  }
}

function follow() {
  const stream = new EventSource("/stream");
  stream.addEventListener("message", (event) => {
    connected(true);
    catchUp(Number(event.data));
  });
  stream.addEventListener("error", () => {
    connected(false);
    // A server that is gone for good closes the stream; the browser retries by itself only while it is merely broken.
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
}

async function change(settings) {
  await fetch("/control/settings", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(settings),
  });
}

byId("teams-health").addEventListener("change", (event) => change({ teams: event.target.value }));
byId("pagerduty-health").addEventListener("change", (event) => change({ pagerduty: event.target.value }));
// One listener for all alerts, whatever is drawn anew.
byId("pagerduty").addEventListener("click", async (event) => {
  const action = event.target.dataset?.action;
  if (!action) return;
  const alert = event.target.closest("[data-id]").dataset.id;
  await fetch(`/control/alerts/${alert}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ action, user: byId("person").value }),
  });
});
byId("clear").addEventListener("click", () => fetch("/messages", { method: "DELETE" }));
for (const tab of document.querySelectorAll(".tabs button")) {
  tab.addEventListener("click", () => {
    byId("lanes").dataset.lane = tab.dataset.lane;
    for (const other of document.querySelectorAll(".tabs button")) {
      other.setAttribute("aria-pressed", String(other === tab));
    }
  });
}
follow();
