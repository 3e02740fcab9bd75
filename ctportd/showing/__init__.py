"""What commands show: tables and sentences for people, JSON for programs."""
