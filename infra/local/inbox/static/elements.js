// Small makers of elements. Text from posts goes in as text nodes only; nothing here takes markup.

export function element(tag, { className = "", text, attributes = {} } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function time(instant) {
  const date = new Date(instant);
  const sameDay = date.toDateString() === new Date().toDateString();
  const clock = date.toLocaleTimeString([], { timeStyle: "medium", hourCycle: "h23" });
  const day = sameDay ? "" : `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, `;
  return element("time", { text: day + clock, attributes: { datetime: instant, title: date.toLocaleString() } });
}

// The head of a post that reached nobody: in a word what became of it, and what its sender was told.
export function refusalTop(word, post) {
  const saw = post.status === 0 ? "The sender got no answer" : `The sender saw ${post.status}`;
  return element(
    "div",
    { className: "post-top" },
    element("span", { className: "chip chip-refused", text: word }),
    element("span", { className: "saw", text: saw }),
    time(post.received_at),
  );
}

// The address when it may be opened from here, "" when not: a post could carry javascript: or file: addresses.
export function openable(address) {
  if (typeof address !== "string" || !URL.canParse(address)) return "";
  return ["http:", "https:", "mailto:", "tel:"].includes(new URL(address).protocol) ? address : "";
}

export function asText(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export function rawPost(payload) {
  const details = element("details", { className: "raw" }, element("summary", { text: "As posted" }));
  // Written when opened: a long list would otherwise carry every post twice.
  details.addEventListener("toggle", () => details.append(element("pre", { text: asText(payload) })), { once: true });
  return details;
}
