// Reads {name: query} as JSON, and answers {name: {problems, tables, columns, dimensions, compared}}, by Microsoft's parser
// and the tables of Application Insights. https://github.com/microsoft/Kusto-Query-Language
'use strict';
const fs = require('fs');
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const { Symbols, GlobalState, KustoCode } = Kusto.Language;

// https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
const COMMON =
  'timestamp:datetime,operation_Name:string,operation_Id:string,operation_ParentId:string,operation_SyntheticSource:string,' +
  'session_Id:string,user_Id:string,user_AuthenticatedId:string,user_AccountId:string,application_Version:string,' +
  'client_Type:string,client_Model:string,client_OS:string,client_IP:string,client_City:string,' +
  'client_StateOrProvince:string,client_CountryOrRegion:string,client_Browser:string,cloud_RoleName:string,' +
  'cloud_RoleInstance:string,appId:string,appName:string,iKey:string,sdkVersion:string,itemId:string,itemType:string,' +
  'itemCount:int,customDimensions:dynamic,_ResourceId:string';
const CALL = 'success:string,resultCode:string,duration:real,performanceBucket:string,customMeasurements:dynamic';
const TABLES = {
  customMetrics: 'name:string,value:real,valueCount:int,valueSum:real,valueMin:real,valueMax:real,valueStdDev:real',
  customEvents: 'name:string,customMeasurements:dynamic',
  requests: `id:string,source:string,name:string,url:string,${CALL}`,
  dependencies: `id:string,target:string,type:string,name:string,data:string,${CALL}`,
  traces: 'message:string,severityLevel:int,customMeasurements:dynamic',
  exceptions:
    'problemId:string,handledAt:string,type:string,message:string,assembly:string,method:string,outerType:string,' +
    'outerMessage:string,severityLevel:int,details:dynamic,customMeasurements:dynamic',
};
const symbols = Object.entries(TABLES).map(
  ([name, columns]) => new Symbols.TableSymbol.$ctor7(name, `(${columns},${COMMON})`, null),
);
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('app', symbols));

const kindOf = (node) => Bridge.getTypeName(node).split('.').pop();
const children = (node) => Array.from({ length: node.ChildCount }, (_, at) => node.GetChild(at)).filter(Boolean);
// Without the comments and spaces before it, which a node keeps.
const textOf = (node) => (node.ChildCount ? children(node).map(textOf).join('') : (node.Text ?? ''));
const unquoted = (text) => text.replace(/^["']|["']$/g, '');

function* below(node) {
  yield node;
  for (const child of children(node)) yield* below(child);
}

function literals(node) {
  return [...below(node)].filter((found) => kindOf(found) === 'LiteralExpression').map((found) => unquoted(textOf(found)));
}

function problemsOf(code, text) {
  const diagnostics = code.GetDiagnostics();
  return Array.from({ length: diagnostics.Count }, (_, at) => diagnostics.getItem(at)).map((found) => {
    const line = text.slice(0, found.Start).split('\n').length;
    return `line ${line}: ${found.Code}: ${found.Message}`;
  });
}

// Names of columns, but not those that the query gives to its own.
function columnsOf(nodes) {
  const own = new Set(nodes.filter((node) => kindOf(node) === 'NameDeclaration').map(textOf));
  const read = nodes.filter((node) => node.ReferencedSymbol && kindOf(node) === 'NameReference');
  const columns = read.filter((node) => kindOf(node.ReferencedSymbol) === 'ColumnSymbol').map(textOf);
  return columns.filter((name) => !own.has(name));
}

// Whole names are compared by these; `startswith` and its like take a part of one.
const WHOLE = ['==', '!=', 'in', '!in'];

function isColumn(node, name) {
  return kindOf(node) === 'NameReference' && textOf(node) === name;
}

function analysed(text) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const nodes = [...below(code.Syntax)];
  const tables = nodes.filter((node) => node.ReferencedSymbol && kindOf(node.ReferencedSymbol) === 'TableSymbol');
  const elements = nodes.filter((node) => ['ElementExpression', 'PathExpression'].includes(kindOf(node)));
  const dimensions = elements.filter((node) => isColumn(children(node)[0], 'customDimensions'));
  const comparisons = nodes.filter((node) => ['BinaryExpression', 'InExpression'].includes(kindOf(node)));
  return {
    problems: problemsOf(code, text),
    tables: tables.filter((node) => kindOf(node) === 'NameReference').map(textOf),
    columns: columnsOf(nodes),
    dimensions: dimensions.map((node) => literals(node)[0] ?? textOf(children(node).at(-1))),
    compared: comparisons
      .filter((node) => isColumn(children(node)[0], 'name') && WHOLE.includes(textOf(children(node)[1])))
      .flatMap(literals),
  };
}

const queries = JSON.parse(fs.readFileSync(0, 'utf8'));
const answers = Object.entries(queries).map(([name, text]) => [name, analysed(text)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
