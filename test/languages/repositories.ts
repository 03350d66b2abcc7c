import type { TestFile } from "../workspace/lab.ts";
import { toGoSum, toTarball, toWheel, toZip } from "./archive.ts";

/** A small repository shaped as real ones are: a program, its tests, one dependency that only set-up brings. */
export type LanguageRepository = {
  language: string;
  files: Record<string, TestFile>;
  setup: string[];
  verify: string[];
  /** What the tests print when they pass. */
  passed: RegExp;
};

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** `npm ci` of a package with so many files that copying them for every run would be slow. */
export function toNodeRepository({ files: count }: { files: number }): LanguageRepository {
  const names = Array.from({ length: count }, (_, at) => `package/data/p${at % 100}/f${at}.js`);
  const vendored = toTarball({
    "package/package.json": json({ name: "money", version: "1.0.0", type: "module", exports: "./index.js" }),
    "package/index.js": "export const add = (one, other) => (one * 100 + other * 100) / 100;\n",
    ...Object.fromEntries(names.map((name) => [name, `export default ${JSON.stringify(name.repeat(30))};\n`])),
  });
  const dependencies = { money: "file:vendor/money-1.0.0.tgz" };
  const own = { name: "shop", version: "1.0.0" };
  const packages = {
    "": { ...own, dependencies },
    "node_modules/money": { version: "1.0.0", resolved: "file:vendor/money-1.0.0.tgz" },
  };
  return {
    language: "Node",
    files: {
      "package.json": json({ ...own, private: true, type: "module", scripts: { test: "node --test" }, dependencies }),
      "package-lock.json": json({ ...own, lockfileVersion: 3, requires: true, packages }),
      "vendor/money-1.0.0.tgz": vendored,
      "src/price.js": 'import { add } from "money";\nexport const total = (prices) => prices.reduce(add, 0);\n',
      "test/price.test.js": [
        'import assert from "node:assert/strict";\nimport { test } from "node:test";',
        'import { total } from "../src/price.js";',
        'test("prices add up", () => assert.equal(total([0.1, 0.2]), 0.3));\n',
      ].join("\n"),
      ".gitignore": "node_modules/\n",
    },
    setup: ["npm ci --offline --no-audit --no-fund"],
    verify: ["npm test"],
    passed: /# pass 1\b|pass 1\b/,
  };
}

export function toPythonRepository(): LanguageRepository {
  return {
    language: "Python",
    files: {
      "requirements.txt": "money==1.0.0\n",
      "vendor/money-1.0.0-py3-none-any.whl": toWheel("money", {
        code: "def add(one, other):\n    return round(one + other, 2)\n",
      }),
      "shop/__init__.py": "",
      "shop/price.py":
        "from functools import reduce\n\nfrom money import add\n\n\ndef total(prices):\n    return reduce(add, prices, 0)\n",
      "tests/test_price.py":
        "from shop.price import total\n\n\ndef test_prices_add_up():\n    assert total([0.1, 0.2]) == 0.3\n",
      "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
      ".gitignore": ".venv/\n__pycache__/\n.pytest_cache/\n",
    },
    setup: [
      "python3 -m venv --system-site-packages .venv",
      ".venv/bin/pip install --no-index --find-links vendor -r requirements.txt",
    ],
    verify: [".venv/bin/python -m pytest -q"],
    passed: /1 passed/,
  };
}

export function toGoRepository(): LanguageRepository {
  const mod = "module example.com/money\n\ngo 1.19\n";
  const code = "package money\n\nfunc Add(one, other int) int { return one + other }\n";
  const at = "example.com/money@v1.0.0";
  const zipped = { [`${at}/go.mod`]: mod, [`${at}/money.go`]: code };
  return {
    language: "Go",
    files: {
      "go.mod": "module example.com/shop\n\ngo 1.19\n\nrequire example.com/money v1.0.0\n",
      "go.sum":
        `example.com/money v1.0.0 ${toGoSum(zipped)}\n` +
        `example.com/money v1.0.0/go.mod ${toGoSum({ "go.mod": mod })}\n`,
      "proxy/example.com/money/@v/list": "v1.0.0\n",
      "proxy/example.com/money/@v/v1.0.0.info": '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}',
      "proxy/example.com/money/@v/v1.0.0.mod": mod,
      "proxy/example.com/money/@v/v1.0.0.zip": toZip(zipped),
      "price.go": [
        'package shop\n\nimport "example.com/money"\n',
        "func Total(prices ...int) int {\n\tsum := 0\n\tfor _, price := range prices {",
        "\t\tsum = money.Add(sum, price)\n\t}\n\treturn sum\n}\n",
      ].join("\n"),
      "price_test.go": [
        'package shop\n\nimport "testing"\n',
        "func TestPricesAddUp(t *testing.T) {\n\tif Total(10, 20) != 30 {\n\t\tt.Fatal(Total(10, 20))\n\t}\n}\n",
      ].join("\n"),
    },
    // The second command fills Go's cache of what it has built.
    setup: ["GOPROXY=file:///workspace/proxy go mod download", "go test -count=1 ./..."],
    verify: ["GOPROXY=off go test -v -count=1 ./..."],
    passed: /--- PASS: TestPricesAddUp/,
  };
}

export function toJavaRepository(): LanguageRepository {
  const jar = "~/.m2/repository/com/example/money/1.0.0/money-1.0.0.jar";
  const path = `${jar}:/usr/share/java/junit4.jar:/usr/share/java/hamcrest-core.jar`;
  return {
    language: "Java",
    files: {
      "pom.xml": "<project><modelVersion>4.0.0</modelVersion></project>\n",
      "tools/set-up.sh": [
        "set -e\nmkdir -p target/money ~/.m2/repository/com/example/money/1.0.0",
        "javac -d target/money libs/money/src/com/example/money/Money.java",
        `jar cf ${jar} -C target/money .\n`,
      ].join("\n"),
      "libs/money/src/com/example/money/Money.java":
        "package com.example.money;\n\npublic class Money {\n  public static int add(int a, int b) { return a + b; }\n}\n",
      "src/main/java/shop/Price.java": [
        "package shop;\n\nimport com.example.money.Money;\n",
        "public class Price {\n  static int total(int... prices) {\n    int sum = 0;",
        "    for (int price : prices) sum = Money.add(sum, price);\n    return sum;\n  }\n}\n",
      ].join("\n"),
      "src/test/java/shop/PriceTest.java": [
        "package shop;\n\nimport static org.junit.Assert.assertEquals;\n\nimport org.junit.Test;\n",
        "public class PriceTest {\n  @Test public void pricesAddUp() { assertEquals(30, Price.total(10, 20)); }\n}\n",
      ].join("\n"),
      ".gitignore": "target/\n",
    },
    setup: ["sh tools/set-up.sh"],
    verify: [
      `mkdir -p target/test && javac -cp $(echo ${path}) -d target/test $(find src -name '*.java')`,
      `java -cp target/test:$(echo ${jar}):/usr/share/java/junit4.jar:/usr/share/java/hamcrest-core.jar org.junit.runner.JUnitCore shop.PriceTest`,
    ],
    passed: /OK \(1 test\)/,
  };
}
