// The PagerDuty lane: alerts, and events that were refused or changed nothing.

import { asText, element, openable, rawPost, refusalTop, time } from "./elements.js";

function link(address, text) {
  return openable(address)
    ? element("a", { text, attributes: { href: address, target: "_blank", rel: "noopener noreferrer" } })
    : element("span", { text });
}

function details(payload) {
  const rows = element("dl", { className: "details" });
  const shown = { component: payload.component, group: payload.group, class: payload.class };
  const custom = payload.custom_details;
  const fields = typeof custom === "object" && custom !== null ? { ...shown, ...custom } : { ...shown, details: custom };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null || value === "") continue;
    rows.append(element("dt", { text: name }), element("dd", { text: asText(value) }));
  }
  return rows;
}

function links(event) {
  const all = Array.isArray(event.links) ? event.links.filter((entry) => typeof entry?.href === "string") : [];
  const list = element("p", { className: "links" });
  list.append(...all.map((entry) => link(entry.href, String(entry.text || entry.href))));
  return list;
}

function footer(alert) {
  const client = alert.event.client ? link(alert.event.client_url, String(alert.event.client)) : "";
  const key = element("code", { text: alert.dedup_key, attributes: { title: "dedup_key" } });
  return element("p", { className: "fine" }, client, key);
}

// What a user of PagerDuty can do to the incident; each press sends PagerDuty's signed webhook to the app.
function actions(alert) {
  const row = element("p", { className: "actions" });
  const known = { acknowledge: "Acknowledge", resolve: "Resolve" };
  for (const [action, text] of Object.entries(known)) {
    if (alert.state === "resolved" || (alert.state === "acknowledged" && action === "acknowledge")) continue;
    row.append(element("button", { text, attributes: { type: "button", "data-action": action } }));
  }
  return row;
}

export function pagerDutyAlert(alert) {
  const item = element("li", {
    className: "post alert",
    attributes: {
      "data-id": alert.id,
      "data-kind": "alert",
      "data-severity": alert.severity,
      "data-state": alert.state,
    },
  });
  const top = element(
    "div",
    { className: "post-top" },
    element("span", { className: "chip severity", text: alert.severity }),
    element("span", { className: "state", text: alert.state }),
  );
  if (alert.count > 1) {
    const words = `triggered ${alert.count} times`;
    top.append(element("span", { className: "times", text: `×${alert.count}`, attributes: { title: words } }));
  }
  top.append(time(alert.last_at));
  item.append(
    top,
    element("h3", { text: alert.summary }),
    element("p", { className: "source", text: alert.source }),
    details(alert.event.payload),
    links(alert.event),
    actions(alert),
    footer(alert),
    rawPost(alert.event),
  );
  return item;
}

export function pagerDutyNote(post) {
  const item = element("li", { className: "post refused", attributes: { "data-id": post.id, "data-kind": "note" } });
  item.append(
    refusalTop(post.accepted ? "Dropped" : "Refused", post),
    element("p", { className: "reason", text: post.reason }),
    rawPost(post.payload),
  );
  return item;
}
