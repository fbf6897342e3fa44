// Reads {"tables": {name: {column: type}}, "queries": [text]} from each line of its input and writes a line with a list
// for each query: what Microsoft's language service says of it. Ends with 3 where the package isn't installed.
"use strict";
const readline = require("node:readline");

try {
  require.resolve("@kusto/language-service-next/package.json");
} catch {
  process.exit(3);
}
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

// Of Microsoft Sentinel: the rows of a watchlist, with the columns that each has.
const watchlist = new Symbols.FunctionSymbol.$ctor16(
  "_GetWatchlist",
  "(watchlistAlias: string)",
  "{ datatable(_DTItemId: string, LastUpdatedTimeUTC: datetime, SearchKey: string, WatchlistItem: dynamic)[] }",
  "",
);

function workspaceOf(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const listed = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
    return Symbols.TableSymbol.From(`(${listed.join(", ")})`).WithName(name);
  });
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", [...symbols, watchlist]));
}

function diagnosticsOf(query, workspace) {
  const found = KustoCode.ParseAndAnalyze(query, workspace).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, place) => {
    const { Code, Message, Start } = found.getItem(place);
    return `${Code} at ${Start}: ${Message}`;
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { tables, queries } = JSON.parse(line);
  const workspace = workspaceOf(tables);
  process.stdout.write(`${JSON.stringify(queries.map((query) => diagnosticsOf(query, workspace)))}\n`);
});
