desk-role-helpdesk = Helpdesk
desk-role-administrator = Administrator
desk-role-auditor = Auditor
desk-nav-users = Find a user
desk-nav-approvals = Approvals
desk-nav-approvals-n = Approvals ({ $n })
desk-nav-adoption = 2FA adoption
desk-nav-audit = Audit trail
desk-nav-new = New account
desk-nav-import = Import
desk-nav-services = Your services
desk-utc = Times are in UTC.
desk-find-title = Find a user
desk-find-label = Name, e-mail address or user name
desk-find-submit = Search
desk-find-filter = Filter by two-factor status
desk-find-all = All { $n }
desk-find-on = On { $n }
desk-find-grace = Reminding { $n }
desk-find-due = Past the deadline { $n }
desk-find-exempt = Exempt { $n }
desk-find-count = { $n ->
    [one] 1 user found
   *[other] { $n } users found
 }
desk-find-more-title = The first { $n }
desk-find-more = There are more than 50. Narrow it down: add a part of the name, or search by the whole e-mail address.
desk-find-none = No user matches “{ $query }”. Check the spelling, or search by the whole e-mail address.
desk-find-nobody = There is nobody in this list.
desk-find-short = Enter at least 3 characters
desk-find-last = Last sign-in:
desk-find-never = Never signed in
desk-find-disabled = Disabled
desk-find-audited = Every search is written to the audit trail.
desk-state-on = On
desk-state-grace = { $days ->
    [one] Reminding, 1 day left
   *[other] Reminding, { $days } days left
 }
desk-state-reminding = Reminding
desk-state-due = Past the deadline
desk-state-exempt = Exempt
desk-state-exempt-until = Exempt until { $date }
desk-user-login = User name: { $login }
desk-user-on = Two-factor on
desk-user-status = Status
desk-user-app = Authenticator
desk-user-enabled = Enabled
desk-user-last = Last code accepted
desk-user-codes = Emergency codes
desk-user-codes-left = { $n } of { $total } left
desk-user-devices = Trusted devices
desk-user-sessions = Active sessions
desk-user-signed-in = Last sign-in
desk-user-never = Never
desk-user-pw = Password changed
desk-user-otc = Open one-time code
desk-user-until = until
desk-user-paused = Codes paused
desk-user-exempt-until = Exempt until
desk-user-none = None
desk-user-groups = Groups
desk-user-disabled = Account disabled
desk-user-audit-all = Show everything
desk-user-help = Help this user
desk-user-help-note = Everything you do here is written to the audit trail, and the user is told by e-mail.
desk-user-look = Your role may look at this account, and change nothing.
desk-user-account = Account
desk-user-issue = Issue one-time code
desk-user-out = Sign out everywhere
desk-user-untrust = Remove trusted devices
desk-user-reset = Reset authenticator
desk-user-reset-note = A reset needs a second agent to approve it.
desk-user-exempt = Exempt from the deadline
desk-user-unlock = Unlock
desk-user-password-reset = Start a password reset
desk-user-groups-change = Change groups
desk-user-disable = Disable account
desk-user-enable = Enable account
desk-user-delete = Delete account
desk-user-keep = Keep the account
desk-user-two-agents = This account has a role in this console. Everything done to it needs a second agent to approve it.
desk-user-self = You cannot issue a code or a reset for your own account.
desk-user-higher = This account has a higher role than yours. An administrator can help.
desk-user-contact = Contact data of this account changed on { $date }. For 7 days nothing secret is mailed to it: check with care who is asking.
desk-user-deletion = This account will be deleted on { $date }.
desk-user-out-done = { $name } has been signed out everywhere.
desk-user-out-count = { $n ->
    [one] 1 session ended.
   *[other] { $n } sessions ended.
 }
desk-user-untrust-done = { $n ->
    [one] 1 trusted device has been removed.
   *[other] { $n } trusted devices have been removed.
 }
desk-user-reset-wait = { $minutes ->
    [one] The reset waits for a second agent. It lapses in 1 minute.
   *[other] The reset waits for a second agent. It lapses in { $minutes } minutes.
 }
desk-user-wait = { $minutes ->
    [one] It waits for a second agent. It lapses in 1 minute.
   *[other] It waits for a second agent. It lapses in { $minutes } minutes.
 }
desk-user-reset-done = The authenticator has been reset.
desk-user-exempted = Exempt from the deadline until { $date }.
desk-user-unlocked = All pauses have been cleared. The user can try again at once.
desk-user-disabled-done = The account has been disabled, and all its sessions have ended.
desk-user-enabled-done = The account has been enabled.
desk-user-groups-done = The groups have been changed.
desk-user-deletion-done = The account is closed and will be deleted on { $date }. Until then it can be kept.
desk-user-kept = The account will not be deleted.
desk-user-reset-sent = A link to choose a new password has been sent to { $email }.
desk-user-created = The account has been created.
desk-user-invited = The account has been created, and an invitation has been sent to { $email }.
desk-off-authenticator = No authenticator is set up.
desk-off-devices = There are no trusted devices.
desk-off-sessions = There are no active sessions.
desk-off-paused = Nothing is paused.
desk-off-email = The account has no e-mail address.
desk-off-contact = Contact data changed in the last 7 days.
desk-off-mail = Mail is not set up.
desk-off-waiting = Waits for a second agent.
desk-act-for = For
desk-act-issue = It replaces the code from the app for one sign-in. The user still needs the password.
desk-act-out = All sessions end at once, on every device. Trusted devices stay trusted.
desk-act-untrust = Every device is asked for a code again at the next sign-in.
desk-act-reset = The authenticator, the emergency codes and the trusted devices are removed, and all sessions end. The user sets up a new authenticator at the next sign-in.
desk-act-exempt = Until that day the user can sign in without two-factor authentication where the policy would ask for it to be enabled.
desk-act-unlock = Pauses after wrong passwords and codes are cleared. Passwords and codes stay as they are.
desk-act-password-reset = The user gets a link by e-mail and chooses a new password. You do not see it, and two-factor authentication stays on.
desk-act-groups = Groups decide which services the user may open. The change holds at once.
desk-act-disable = The user cannot sign in any more, and all sessions end at once. Nothing is deleted.
desk-act-enable = The user can sign in again, with the password and the authenticator from before.
desk-act-delete = { $days ->
    [one] The account is closed at once and deleted after 1 day. Until then it can be kept.
   *[other] The account is closed at once and deleted after { $days } days. Until then it can be kept.
 }
desk-act-keep = The planned deletion is taken back.
desk-act-second = This takes effect when a second agent has approved it.
desk-act-until = Last day of the exemption
desk-act-until-empty = Enter the last day of the exemption
desk-act-until-err = { $days ->
    [one] Choose tomorrow
   *[other] Choose a day from tomorrow on, at most { $days } days ahead
 }
desk-groups-hint = Separated by commas
desk-groups-err = A group’s name has letters, digits, dots, hyphens and underscores
desk-issue-title = Issue one-time code
desk-issue-page = Issue one-time code for { $name }
desk-issue-check = How did you check that it is the user?
desk-issue-check-callback = Called back on the number on file
desk-issue-check-manager = Manager confirmed
desk-issue-check-id = Saw an ID, in person or by video
desk-issue-check-err = Choose how you checked that it is the user
desk-issue-send = How does the user get the code?
desk-issue-send-email = Send it to { $email }
desk-issue-send-mail = Send it by e-mail
desk-issue-send-email-hint = You will not see the code.
desk-issue-send-show = Show it to me once, for chat or phone
desk-issue-send-err = Choose how the user gets the code
desk-issue-case = Case number
desk-issue-case-err = Enter the case number
desk-issue-quota = { $minutes ->
    [one] You have issued 5 one-time codes within an hour. Try again in 1 minute.
   *[other] You have issued 5 one-time codes within an hour. Try again in { $minutes } minutes.
 }
desk-issue-submit = Issue code
desk-issue-cancel = Cancel
desk-issue-replaces = The user has an open code. A new one replaces it.
desk-shown-title = One-time code for { $name }
desk-shown-valid = Valid until { $time } ({ $minutes } minutes), for one sign-in. When you close this, you cannot see it again.
desk-shown-message-label = Message for the chat
desk-shown-message = Your one-time code is { $code }. At the code window choose “Second method”, then “One-time code”. It works once, until { $time }. Nobody will ask you to say it back.
desk-shown-copy = Copy message
desk-shown-done = Done
desk-shown-sent = The code has been sent to { $email }. It is valid until { $time }.
desk-approvals-note = What an agent asks for here, another must approve. Call the agent if anything looks odd.
desk-approvals-none = Nothing waits for approval.
desk-approvals-by = Asked by
desk-approvals-at = Asked at
desk-approvals-check = Checked
desk-approvals-lapses = { $minutes ->
    [one] Lapses in 1 minute
   *[other] Lapses in { $minutes } minutes
 }
desk-approvals-own = This is your own request, or about your account. Somebody else must decide it.
desk-approvals-approve = Approve
desk-approvals-decline = Decline
desk-approvals-approved = Approved and done.
desk-approvals-declined = Declined. Nothing was changed.
desk-approvals-gone = This request has lapsed, or somebody else has decided it.
desk-adopt-title = 2FA adoption
desk-adopt-csv = Download CSV
desk-adopt-on-hint = { $n } of { $total } users
desk-adopt-grace-hint = may still postpone
desk-adopt-due-hint = must enable to sign in
desk-adopt-exempt-hint = each until a set day
desk-adopt-chart = Share of users with two-factor on
desk-adopt-deadline = Final deadline, { $date }
desk-adopt-alt = From { $a } % in the week of { $date } to { $b } % in the week of { $date2 }.
desk-adopt-alt-one = { $b } % in the week of { $date2 }.
desk-adopt-empty = There are no weekly figures yet.
desk-adopt-numbers = Show the numbers
desk-adopt-per-week = Share per week
desk-adopt-week = Week of
desk-adopt-row = On, %
desk-adopt-groups = By group
desk-adopt-table = Table of groups
desk-adopt-th-group = Group
desk-adopt-th-users = Users
desk-trail-event = Event
desk-trail-any = Any
desk-trail-actor = Done by
desk-trail-from = From
desk-trail-to = To
desk-trail-dates-err = Enter two days, the earlier one first
desk-trail-note = The trail can be read and not changed.
desk-trail-none = Nothing is recorded.
desk-trail-export = Export (JSON Lines)
desk-trail-newest = Newest
desk-trail-older = Older
desk-trail-whom = Account
desk-trail-who = Done by
desk-trail-where = From
desk-new-name = Name
desk-new-name-err = Enter the name
desk-new-login = User name
desk-new-login-empty = Enter the user name
desk-new-login-bad = This user name cannot be used
desk-new-login-taken = There is an account with this user name
desk-new-email = E-mail address
desk-new-email-bad = Enter a whole e-mail address, for example name@example.com
desk-new-email-empty = An invitation needs an e-mail address
desk-new-email-taken = There is an account with this e-mail address
desk-new-language-any = The organisation’s
desk-new-start = How does the user begin?
desk-new-start-err = Choose how the user begins
desk-new-invite = With an invitation by e-mail
desk-new-invite-hint = The user chooses a password. You will not see it.
desk-new-show = With an initial password, shown to me once
desk-new-show-hint = The user must change it at the first sign-in.
desk-new-submit = Create account
desk-secret-title = Initial password for { $name }
desk-secret-until = It works until { $time } UTC.
desk-secret-note = The user must change it at the first sign-in. When you close this, you cannot see it again.
desk-import-title = Import accounts
desk-import-label = Accounts
desk-import-hint = Paste CSV with a heading line, or JSON Lines. Nothing is created before you have seen what each line would do.
desk-import-preview = Check
desk-import-check = Nothing has been created yet. Lines with a problem and accounts that exist are left out.
desk-import-submit = { $n ->
    [one] Create 1 account
   *[other] Create { $n } accounts
 }
desk-import-again = Start again
desk-import-more = Import more
desk-import-report = What would happen
desk-import-result = What was done
desk-import-lines = Report, line by line
desk-import-th-line = Line
desk-import-th-who = Account
desk-import-th-what = Result
desk-import-new = { $n ->
    [one] 1 new
   *[other] { $n } new
 }
desk-import-created = { $n ->
    [one] 1 created
   *[other] { $n } created
 }
desk-import-exists = { $n ->
    [one] 1 exists
   *[other] { $n } exist
 }
desk-import-problems = { $n ->
    [one] 1 problem
   *[other] { $n } problems
 }
desk-import-line-new = New
desk-import-line-created = Created
desk-import-line-exists = Exists
desk-import-line-problem = Problem
desk-forbidden-title = Your role does not allow this
desk-forbidden-body = You are signed in, but this part of the console is for another role. If you need it for your work, ask the person who manages access in your organisation.
desk-new-role-err = Groups that give a role in this console are given afterwards, with a second agent
desk-import-err-line = This line cannot be read: { $name }
desk-import-err-login = This user name cannot be used
desk-import-err-email = This is no e-mail address
desk-import-err-group = This cannot be a group: { $name }
desk-import-err-twice = Stands in line { $name } already
desk-import-err-taken = Its e-mail address belongs to another account
desk-import-err-role = The group { $name } gives a role in this console: give it afterwards, with a second agent
desk-import-err-password = Passwords are imported on the command line only
desk-import-err-text = This is not text in UTF-8
desk-import-err-empty = Paste at least one account
desk-import-err-many = There are too many lines: at most { $name } at a time
desk-import-err-large = This is too large: at most 1 MiB at a time
desk-import-err-stale = What was sent is not what was checked. Check it again
desk-act-last-administrator = There would be no administrator left. Give somebody else the role first.
desk-act-no-mail = Nothing can be mailed to this user: the address is missing or changed in the last 7 days, or mail is not set up.
