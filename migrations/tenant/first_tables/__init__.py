"""The first tables of the tenant plane, by domain. They stay as they are: a change is a new migration."""
