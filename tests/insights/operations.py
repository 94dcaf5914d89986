"""What is sent."""

ERRORS = "errors { code message path }"

PROFILE = f"""mutation ($input: CompanyProfileUpdateInput!) {{ companyProfileUpdate(input: $input) {{
  companyProfile {{ id }} {ERRORS} }} }}"""

STANDING = """{ companyProfile { historicalDataUploaded totalConsumptionKwh currentRenewablePercentage
  sustainabilityScore } }"""

PREVIEW = """query ($input: HistoricalDataPreviewInput!) { historicalDataPreview(input: $input) {
  columns { name samples } rows headerRows delimiter sheet decimalComma timestampColumn timeColumn
  consumptionColumn renewableColumn timestampFormat stepMinutes unit unitGuessed question questionField
  totalKwh alternatives { description totalKwh quantity } } }"""

IMPORT = f"""mutation ($input: HistoricalDataImportInput!) {{ historicalDataImport(input: $input) {{
  historicalDataImport {{ id }} {ERRORS} }} }}"""

IMPORTED = """query ($id: ID!) { historicalDataImport(id: $id) { id filename completedAt
  job { status errorMessage } document { id processingStatus }
  readings(filter: { period: MONTH }) { totalCount nodes { period startsOn kwh renewableKwh coverage } }
  summary { firstOn lastOn stepMinutes readings coverage totalKwh annualKwh renewablePercentage
    trendPercentPerYear weekendRatio anomalyCount profile insights
    seasonality { month index } months { startsOn kwh coverage }
    anomalies { startsOn period kwh expectedKwh score } issues { kind count example } } } }"""

READINESS = "{ reportReadiness { ready completeness requirements { name required met advice } } }"

GENERATE = f"""mutation ($input: ReportGenerateInput!) {{ reportGenerate(input: $input) {{
  report {{ id title method }} {ERRORS} }} }}"""

REPORT = """query ($id: ID!) { report(id: $id) { id title method reportData confidence generatedText
  generatedAt job { id status errorMessage attempts } } }"""

PROGRESS = """subscription ($id: ID!, $after: String) { reportProgress(id: $id, after: $after) {
  cursor kind step summary report { id confidence } } }"""

SOURCES = """{ energySources { id code name kind costPerKwh capacityFactor reliability renewableShare
  intermittent shareLimit yearlyGrowth efficiency provenance edited enabled } }"""

CORRECT = f"""mutation ($id: ID!, $input: EnergySourceUpdateInput!) {{
  energySourceUpdate(id: $id, input: $input) {{
  energySource {{ id costPerKwh edited enabled provenance }} {ERRORS} }} }}"""

RESTORE = f"""mutation {{ energySourcesRestore {{ energySources {{ code costPerKwh edited enabled }}
  {ERRORS} }} }}"""

SAVED_FIELDS = """id title tags method reportData confidence generatedText editedText editedAt editedBy { id }
  document { id } files { name format size url }"""

KEEP = f"""mutation ($input: SavedReportCreateInput!) {{ savedReportCreate(input: $input) {{
  savedReport {{ id }} {ERRORS} }} }}"""

SAVED = f"query ($id: ID!) {{ savedReport(id: $id) {{ {SAVED_FIELDS} }} }}"

EDIT = f"""mutation ($id: ID!, $input: SavedReportUpdateInput!) {{
  savedReportUpdate(id: $id, input: $input) {{ savedReport {{ {SAVED_FIELDS} }} {ERRORS} }} }}"""

EXPORT = f"mutation ($id: ID!) {{ savedReportExport(id: $id) {{ job {{ id }} {ERRORS} }} }}"

RERUN = f"mutation ($id: ID!) {{ savedReportRerun(id: $id) {{ report {{ id title }} {ERRORS} }} }}"

DROP = f"mutation ($id: ID!) {{ savedReportDelete(id: $id) {{ deletedId {ERRORS} }} }}"

COMPARE = """query ($firstId: ID!, $secondId: ID!) {
  savedReportComparison(firstId: $firstId, secondId: $secondId) { firstPlan secondPlan
    differences { figure first second change } } }"""
