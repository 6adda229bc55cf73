"""What stands here is graded, never imported: some of it does harm to whoever imports it."""

collect_ignore_glob = ["*"]
