# Mails. `when` is date and time, with the browser and the address in brackets where they are known.

mail-device = { $browser } on { $system }
mail-device-unknown = unknown browser
mail-address = IP address { $address }
mail-address-unknown = unknown IP address
mail-case = Case { $case }.

mail-closing-not-you = Was this not you? Open { $host }, choose Account, then Password & 2FA, sign out all other sessions and change your password.
mail-closing-contact = You can also contact { $help }.
mail-closing-never = Customer service never asks for your password or for a code from your app.

mail-enabled-subject = Two-factor authentication is on
mail-enabled-body = Two-factor authentication was enabled for your account on { $when }. Keep your emergency codes in a safe place.

mail-replaced-subject = Your authenticator app was replaced
mail-replaced-body = A new authenticator app was set up on { $when }. The old app no longer works. All other sessions and trusted devices have been signed out, and you have new emergency codes.

mail-disabled-subject = Two-factor authentication was turned off
mail-disabled-body = Two-factor authentication was turned off for your account on { $when }. Your emergency codes and trusted devices no longer work.

mail-emergency-used-subject = An emergency code was used
mail-emergency-used-body = An emergency code was used to sign in on { $when }. Codes left: { $left } of { $total }.

mail-codes-new-subject = You have new emergency codes
mail-codes-new-body = New emergency codes were created on { $when }. The old ones no longer work.

mail-otc-subject = Your one-time code
mail-otc-code = { $code } is your one-time code.
mail-otc-body = It works once, until { $until }. At the code window choose “Second method”, then “One-time code”.
mail-otc-asked = You asked customer service for it.
mail-otc-asked-case = You asked customer service for it (case { $case }).
mail-otc-keep = Do not give it to anyone, also not to us.

mail-otc-shown-subject = Customer service issued a one-time code for you
mail-otc-shown-body = A one-time code was issued for your account on { $when } (case { $case }) and given to you by chat or phone.
mail-otc-shown-plain-body = A one-time code was issued for your account on { $when } and given to you by chat or phone.

mail-otc-used-subject = A one-time code was used
mail-otc-used-body = A one-time code from customer service was used to sign in on { $when }.

mail-enrolment-subject = Your code for enabling two-factor authentication
mail-enrolment-code = { $code } is your code for enabling two-factor authentication.
mail-enrolment-body = It works once, until { $until }. Enter it on the page that asks for it. Do not give it to anyone, also not to us.

mail-locked-subject = Someone entered wrong codes for your account
mail-locked-body = Someone who knows your password entered { $wrong } wrong codes, the last on { $when }. Codes are paused until { $until }. If this was not you, change your password now.

mail-password-disabled-subject = Your password was disabled
mail-password-disabled-body = After too many wrong tries your password was disabled on { $when }. It opens your account no more. To choose a new one, open { $host } and choose “Forgot your password?”.

mail-app-disabled-subject = Your authenticator app was disabled
mail-app-disabled-body = Someone who knows your password entered too many wrong codes, so your authenticator app was disabled on { $when }. To set it up again, contact customer service. If this was not you, change your password now.

mail-device-trusted-subject = A device was trusted
mail-device-trusted-body = A device was trusted on { $when }. It is not asked for a code until { $until }.

mail-new-place-subject = New sign-in to your account
mail-new-place-body = You signed in with a browser that had not been used for your account before, on { $when }.

mail-password-subject = Your password was changed
mail-password-body = Your password was changed on { $when }. All other sessions have been signed out.

mail-reset-subject = Reset your password
mail-reset-body = Open this link within { $minutes } minutes to choose a new password:
mail-reset-ignore = If you did not ask for this, do nothing: your password stays the same.

mail-invitation-subject = Your new account
mail-invitation-body = An account was made for you. Open this link to choose your password; it works once, until { $until }:

mail-desk-subject = Customer service changed your account
mail-desk-signed-out = Customer service signed you out everywhere on { $when }.
mail-desk-devices-removed = Customer service removed your trusted devices on { $when }.
mail-desk-authenticator-reset = Customer service removed your authenticator app and your emergency codes on { $when }. You set up an app again at your next sign-in.
mail-desk-exempted = Customer service put off the day on which you must enable two-factor authentication, on { $when }.
mail-desk-unlocked = Customer service ended a pause after wrong passwords or codes on { $when }. You can sign in again.
mail-desk-disabled = Customer service disabled your account on { $when }. You can no longer sign in.
mail-desk-enabled = Customer service enabled your account on { $when }. You can sign in again.
mail-desk-groups = Customer service changed the groups you belong to on { $when }. The services you can open may have changed.
mail-desk-password-reset = Customer service reset your password on { $when }. The old one no longer works, and all sessions have been signed out.
mail-desk-deletion = Customer service planned the deletion of your account on { $when }. If you still need it, contact customer service.

mail-remind-subject = Enable two-factor authentication by { $date }
mail-remind-body = Your organisation requires two-factor authentication. The last day to postpone is { $date }; after it you must enable it to sign in. It takes about 3 minutes: open { $host }, choose Account, then Password & 2FA. Have your phone with you.

mail-deadline-subject = You must now enable two-factor authentication
mail-deadline-body = At your next sign-in you will be asked to enable two-factor authentication before you can continue. It takes about 3 minutes. Have your phone with you.
