"""What Frappe asks an app for."""

app_name = "gatehouse_frappe"
app_title = "Gatehouse"
app_publisher = "The Gatehouse authors"
app_description = "Signs in whom a Gatehouse in front of this site has authenticated."
app_email = "gatehouse@example.com"
app_license = "MIT OR Apache-2.0"

# Frappe calls it for each request, after its own checks.
auth_hooks = ["gatehouse_frappe.auth.validate"]
