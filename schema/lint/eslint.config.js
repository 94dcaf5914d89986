/* What the contract must be beside what the tests say: graphql-eslint's recommended rules, and Relay's. */
import { readFileSync } from "node:fs";
import plugin from "@graphql-eslint/eslint-plugin";
import { buildSchema, isObjectType } from "graphql";

const CONTRACT = "schema.graphql";

const isNode = (type) => type.getInterfaces().some((each) => each.name === "Node");
const values = Object.values(buildSchema(readFileSync(CONTRACT, "utf8")).getTypeMap())
  .filter((type) => isObjectType(type) && !isNode(type))
  .map((type) => type.name);

export default [
  {
    files: [CONTRACT],
    plugins: { "@graphql-eslint": plugin },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: CONTRACT } } },
    rules: {
      ...plugin.configs["flat/schema-recommended"].rules,
      ...plugin.configs["flat/schema-relay"].rules,
      // Only nodes have an id; everything else is a part of an answer.
      "@graphql-eslint/strict-id-in-types": ["error", { exceptions: { types: values } }],
      // Connections have `nodes` beside `edges`, and what is short by nature is a plain list.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
      // Names such as `Drawing.drawingType` are those of the systems that clients come from.
      "@graphql-eslint/no-typename-prefix": "off",
    },
  },
];
