// One post to the Teams webhook: its cards, greyed and with the reason when Teams would have posted nothing.

import { drawnCard } from "./card.js";
import { element, rawPost, refusalTop, time } from "./elements.js";

function cardsIn(payload) {
  if (payload?.type === "AdaptiveCard") return [payload];
  const attachments = Array.isArray(payload?.attachments) ? payload.attachments : [];
  return attachments
    .map((attachment) => attachment?.content)
    .filter((content) => typeof content === "object" && content !== null && !Array.isArray(content));
}

export function teamsPost(post) {
  const item = element("li", { className: "post", attributes: { "data-id": post.id, "data-kind": "teams" } });
  if (post.accepted) {
    const sender = element("span", { className: "sender", text: "Workflows" });
    item.append(element("div", { className: "post-top" }, sender, time(post.received_at)));
  } else {
    item.classList.add("refused");
    item.append(refusalTop("Not posted", post), element("p", { className: "reason", text: post.reason }));
  }
  for (const card of cardsIn(post.payload)) {
    const drawn = drawnCard(card);
    drawn.inert = !post.accepted;
    item.append(drawn);
  }
  item.append(rawPost(post.payload));
  return item;
}
