"""What people say of pairs: a blind stratified sheet, labels that no kill loses, and what they say of every judge."""
