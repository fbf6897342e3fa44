// Reads {"tables": {name: {column: type}}, "queries": [text]} from the file that is named and writes a list for each
// query: what Microsoft's language service says of it. Ends with 3 where the package isn't installed.
"use strict";
const fs = require("node:fs");

try {
  require.resolve("@kusto/language-service-next/package.json");
} catch {
  process.exit(3);
}
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const { tables, queries } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const symbols = Object.entries(tables).map(([name, columns]) => {
  const listed = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
  return Symbols.TableSymbol.From(`(${listed.join(", ")})`).WithName(name);
});
// Of Microsoft Sentinel: the rows of a watchlist, with the columns that each has.
const watchlist = new Symbols.FunctionSymbol.$ctor16(
  "_GetWatchlist",
  "(watchlistAlias: string)",
  "{ datatable(_DTItemId: string, LastUpdatedTimeUTC: datetime, SearchKey: string, WatchlistItem: dynamic)[] }",
  "",
);
const workspace = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", [...symbols, watchlist]));

function diagnosticsOf(query) {
  const found = KustoCode.ParseAndAnalyze(query, workspace).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, place) => {
    const { Code, Message, Start } = found.getItem(place);
    return `${Code} at ${Start}: ${Message}`;
  });
}

process.stdout.write(JSON.stringify(queries.map(diagnosticsOf)));
