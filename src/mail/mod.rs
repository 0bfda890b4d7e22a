//! What is mailed to people, and how it gets to the mail server.
