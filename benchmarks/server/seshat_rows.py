"""The floor's rows in Seshat's tables."""

from collections import defaultdict
from uuid import UUID

from benchmarks.server.rows import Row, Tables

STATUS = {
    "projects": {"active": "active", "paused": "completed", "done": "archived"},
    "sessions": {"open": "active", "running": "processing", "closed": "completed"},
    "comparisons": {"pending": "pending", "done": "completed", "failed": "failed"},
}
MANY_CHANGES = 50

SeshatTables = dict[tuple[str, str], list[Row]]
"""Rows by schema and table, in the order of their foreign keys."""


def seshat_tables(tables: Tables, roles: dict[str, UUID]) -> SeshatTables:
    """The rows. The first user is the admin, and all others are managers."""
    company = tables["companies"][0]
    fence = {"company_id": company["id"]}
    members = [{**fence, "id": user["id"]} for user in tables["users"]]
    tenant = {
        "projects": projects(tables),
        "drawing_sessions": sessions(tables),
        "drawings": drawings(tables),
        "comparisons": comparisons(tables),
        "analysis_results": analyses(tables),
        "conversations": conversations(tables),
        "messages": messages(tables),
        "citations": citations(tables),
    }
    return {
        ("platform", "companies"): [
            {"id": company["id"], "name": "Acme", "is_active": True, "created_at": company["created_at"]}
        ],
        ("tenant", "tenants"): [fence],
        ("platform", "users"): users(tables, roles),
        ("tenant", "members"): members,
        **{("tenant", name): [{**fence, **row} for row in rows] for name, rows in tenant.items()},
    }


def stamps(row: Row) -> Row:
    """When a row was created and updated."""
    return {"created_at": row["created_at"], "updated_at": row["updated_at"]}


def users(tables: Tables, roles: dict[str, UUID]) -> list[Row]:
    """Users."""
    return [
        {
            "id": user["id"],
            "email": user["email"],
            "username": f"user{number}",
            "full_name": user["name"],
            "company_id": user["company_id"],
            "role_id": roles["manager" if number else "admin"],
            **stamps(user),
        }
        for number, user in enumerate(tables["users"])
    ]


def projects(tables: Tables) -> list[Row]:
    """Projects. The budget is the client's name: there is no such number."""
    return [
        {
            "id": project["id"],
            "user_id": project["owner_id"],
            "name": project["name"],
            "description": project["description"],
            "project_number": project["code"],
            "client_name": str(project["budget"]),
            "location": "Oslo",
            "status": STATUS["projects"][project["status"]],
            **stamps(project),
        }
        for project in tables["projects"]
    ]


def sessions(tables: Tables) -> list[Row]:
    """Drawing sessions. All have the same two entries of metadata."""
    return [
        {
            "id": session["id"],
            "user_id": session["user_id"],
            "project_id": session["project_id"],
            "name": session["name"],
            "status": STATUS["sessions"][session["status"]],
            "total_time": session["progress"],
            "error_message": session["notes"],
            "session_metadata": tables["comparisons"][0]["options"],
            **stamps(session),
        }
        for session in tables["sessions"]
    ]


def drawings(tables: Tables) -> list[Row]:
    """Drawings: the first of a session is the old one."""
    return [
        {
            "id": drawing["id"],
            "session_id": drawing["session_id"],
            "drawing_type": "old" if drawing["page_number"] == 1 else "new",
            "filename": drawing["name"],
            "original_filename": drawing["name"],
            "storage_path": f"drawings/{drawing['id']}.png",
            "drawing_name": drawing["name"].removesuffix(".pdf"),
            "page_number": drawing["page_number"],
            "state": "completed",
            "processed_at": drawing["created_at"],
            "drawing_metadata": drawing["metadata"],
        }
        for drawing in tables["drawings"]
    ]


def comparisons(tables: Tables) -> list[Row]:
    """Comparisons, numbered within their session."""
    count, found = defaultdict[UUID, int](int), []
    for comparison in tables["comparisons"]:
        number = count[comparison["session_id"]]
        count[comparison["session_id"]] += 1
        found.append(
            {
                "id": comparison["id"],
                "session_id": comparison["session_id"],
                "old_drawing_id": comparison["old_drawing_id"],
                "new_drawing_id": comparison["new_drawing_id"],
                "drawing_name": f"A-10{number}",
                "alignment_score": comparison["score"],
                "low_confidence": False,
                "change_ratio": comparison["threshold"],
                "state": STATUS["comparisons"][comparison["status"]],
                "error_message": comparison["summary"],
                "changes_detected": comparison["change_count"] > MANY_CHANGES,
                "created_at": comparison["created_at"],
            }
        )
    return found


def analyses(tables: Tables) -> list[Row]:
    """Analyses."""
    compared = {row["id"]: row for row in comparisons(tables)}
    return [
        {
            "id": analysis["id"],
            "comparison_id": analysis["comparison_id"],
            "session_id": compared[analysis["comparison_id"]]["session_id"],
            "drawing_name": compared[analysis["comparison_id"]]["drawing_name"],
            "analysis_summary": analysis["details"],
            "success": True,
            "ai_model_used": analysis["kind"],
            "created_at": analysis["created_at"],
        }
        for analysis in tables["analysis_results"]
    ]


def conversations(tables: Tables) -> list[Row]:
    """Conversations."""
    return [
        {
            "id": conversation["id"],
            "user_id": conversation["user_id"],
            "session_id": conversation["session_id"],
            "title": conversation["title"],
            "message_count": 200,
            **stamps(conversation),
        }
        for conversation in tables["conversations"]
    ]


def messages(tables: Tables) -> list[Row]:
    """Messages."""
    return [
        {
            "id": message["id"],
            "conversation_id": message["conversation_id"],
            "role": message["role"],
            "content": message["content"],
            "total_tokens": message["token_count"],
            **stamps(message),
        }
        for message in tables["messages"]
    ]


def citations(tables: Tables) -> list[Row]:
    """Citations."""
    return [
        {
            "id": citation["id"],
            "message_id": citation["message_id"],
            "source_index": citation["position"],
            "source_name": citation["label"],
            "page_number": citation["page"],
            "snippet": citation["quote"],
            "confidence": citation["score"],
        }
        for citation in tables["citations"]
    ]
