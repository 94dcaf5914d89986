"""What tests ask of proposals."""

CREATE = """mutation ($input: RequirementProposalCreateInput!) { requirementProposalCreate(input: $input) {
  errors { code message path } requirementProposal { id stage progress componentType job { id } } } }"""
TALLY = "proposed approved edited removed added addedApproved approvalRate editRate"
ITEM = """id category name type requirement values required description confidence confidenceLevel rationale
  origin source approved edited removed custom
  citation { documentTitle page snippet start end document { id } }
  original { name type requirement values required description }"""
PROPOSAL = f"""query ($id: ID!) {{ requirementProposal(id: $id) {{ id stage progress componentType
  errorMessage   classificationConfidence classificationRationale model proposalLatencyMs description
  design {{ width height background fill lines {{ text colour behind contrast }} }}
  job {{ id status progress attempts jobType errorMessage }}
  review {{ exportable total {{ {TALLY} }} byCategory {{ category tally {{ {TALLY} }} }} }}
  requirements(first: 100) {{ totalCount nodes {{ {ITEM} }} }} }} }}"""
WATCH = """subscription ($id: ID!, $after: String) { requirementProposed(proposalId: $id, after: $after) {
  cursor stage progress requirements { id name } proposal { proposalLatencyMs } } }"""
APPROVE_ALL = """mutation ($id: ID!) { requirementProposalApproveAll(id: $id) {
  errors { code path } requirementProposal { id } } }"""
APPROVE = f"""mutation ($id: ID!) {{ proposedRequirementApprove(id: $id) {{
  errors {{ code path }} proposedRequirement {{ {ITEM} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: ProposedRequirementUpdateInput!) {{
  proposedRequirementUpdate(id: $id, input: $input) {{
  errors {{ code path }} proposedRequirement {{ {ITEM} }} }} }}"""
REMOVE = """mutation ($id: ID!) { proposedRequirementRemove(id: $id) { errors { code path } removedId } }"""
ADD = f"""mutation ($input: ProposedRequirementCreateInput!) {{ proposedRequirementCreate(input: $input) {{
  errors {{ code path }} proposedRequirement {{ {ITEM} }} }} }}"""
EXPORT = """mutation ($id: ID!, $input: RequirementProposalExportInput) {
  requirementProposalExport(id: $id, input: $input) { errors { code path } requirementExport { id
    componentType approvedCount editedCount customAddedCount proposalLatencyMs proposal { id }
    requirements { props { name values approved edited custom confidence source }
      events { name approved edited custom } states { name approved edited custom }
      accessibility { requirement approved edited custom } } } } }"""
CLASSIFY = """mutation ($id: ID!, $input: RequirementProposalClassifyInput!) {
  requirementProposalClassify(id: $id, input: $input) {
  errors { code message path } requirementProposal { id stage componentType } } }"""
DELETE = """mutation ($id: ID!) { requirementProposalDelete(id: $id) { errors { code path } deletedId } }"""
START = "mutation ($id: ID!) { jobStart(id: $id) { errors { code path } job { id } } }"
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { errors { code path } job { id } } }"
RETRY = "mutation ($id: ID!) { jobRetry(id: $id) { errors { code path } job { id } } }"
LIST = """query ($filter: RequirementProposalFilter, $order: RequirementProposalOrder) {
  requirementProposals(filter: $filter, orderBy: $order) { totalCount nodes { id } } }"""
