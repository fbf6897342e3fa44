// Draws an Adaptive Card with Microsoft's own renderer, set up as Teams documents it: the markdown that TextBlock and
// FactSet know (bold, italic, lists, links), no HTML, and mentions that have an entity of their own.

import { element, openable } from "./elements.js";

const { AdaptiveCard, HostConfig } = globalThis.AdaptiveCards;

const markdown = globalThis.markdownit("zero").enable(["emphasis", "entity", "escape", "link", "list", "newline"]);
markdown.validateLink = (address) => openable(address) !== "";
markdown.inline.ruler.before("escape", "mention", (state, silent) => {
  for (const [text, name] of state.env.mentions) {
    if (!state.src.startsWith(text, state.pos)) continue;
    if (!silent) state.push("mention", "", 0).content = name;
    state.pos += text.length;
    return true;
  }
  return false;
});
markdown.renderer.rules.mention = (tokens, index) =>
  `<span class="mention">${markdown.utils.escapeHtml(tokens[index].content)}</span>`;

// The renderer asks for markdown without saying for which card, so the card being drawn leaves its mentions here.
let mentions = [];
AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown.render(text, { mentions });
  result.didProcess = true;
};

const colors = (name) => ({ default: `var(--card-${name})`, subtle: `var(--card-${name}-subtle)` });
const style = (background) => ({
  backgroundColor: `var(--card-${background})`,
  foregroundColors: Object.fromEntries(
    ["default", "dark", "light", "accent", "attention", "good", "warning"].map((name) => [name, colors(name)]),
  ),
});
const fontSizes = { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 };
const fontWeights = { lighter: 300, default: 400, bolder: 600 };
const hostConfig = new HostConfig({
  supportsInteractivity: true,
  spacing: { small: 8, default: 10, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: "var(--line)" },
  lineHeights: { small: 16, default: 20, medium: 22, large: 24, extraLarge: 32 },
  fontTypes: {
    default: { fontFamily: "var(--font)", fontSizes, fontWeights },
    monospace: { fontFamily: "var(--mono)", fontSizes, fontWeights },
  },
  imageSizes: { small: 32, medium: 52, large: 100 },
  containerStyles: Object.fromEntries(
    ["default", "emphasis", "good", "attention", "warning", "accent"].map((name) => [name, style(`${name}-back`)]),
  ),
  actions: { maxActions: 6, spacing: "large", buttonSpacing: 8, showCard: { actionMode: "inline", inlineTopMargin: 12 } },
  factSet: { title: { weight: "bolder", wrap: true, maxWidth: 150 }, value: { wrap: true }, spacing: 12 },
});

function mentionsIn(content) {
  const entities = Array.isArray(content.msteams?.entities) ? content.msteams.entities : [];
  return entities
    .filter((entity) => entity?.type === "mention" && typeof entity.text === "string" && entity.text !== "")
    .map((entity) => [entity.text, String(entity.mentioned?.name ?? entity.text)]);
}

function run(action) {
  const address = action.getJsonTypeName() === "Action.OpenUrl" ? openable(action.url) : "";
  if (address) globalThis.open(address, "_blank", "noopener,noreferrer");
}

// The renderer empties an image that failed, as all do that aren't in the card itself: this page asks nobody else.
function nameMissing(image) {
  if (image.renderedElement?.childElementCount === 0) {
    image.renderedElement.textContent = `[picture not fetched: ${image.altText || "no description"}]`;
  }
}

// Gives the drawn card; text that says why where the renderer can't draw it.
export function drawnCard(content) {
  const own = mentionsIn(content);
  const host = element("div", { className: "card" });
  const useOwnMentions = () => {
    mentions = own;
  };
  // A card behind Action.ShowCard is drawn when its button is pressed.
  host.addEventListener("click", useOwnMentions, { capture: true });
  useOwnMentions();
  try {
    const card = new AdaptiveCard();
    card.hostConfig = hostConfig;
    card.onExecuteAction = run;
    card.onImageLoaded = nameMissing;
    card.parse(content);
    host.append(card.render() ?? element("p", { text: "The card is empty." }));
  } catch (error) {
    host.replaceChildren(element("p", { text: `The card can't be drawn: ${error.message}` }));
  }
  return host;
}
