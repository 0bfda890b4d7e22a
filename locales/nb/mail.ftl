# E-post. `when` er dato og klokkeslett, med nettleser og adresse i parentes der de er kjent.

mail-device = { $browser } på { $system }
mail-device-unknown = ukjent nettleser
mail-address = IP-adresse { $address }
mail-address-unknown = ukjent IP-adresse
mail-case = Sak { $case }.

mail-closing-not-you = Var det ikke deg? Åpne { $host }, velg Konto og deretter Passord og 2FA, logg ut alle andre økter og endre passordet ditt.
mail-closing-contact = Du kan også kontakte { $help }.
mail-closing-never = Kundeservice spør aldri om passordet ditt eller en kode fra appen din.

mail-enabled-subject = Tofaktorautentisering er på
mail-enabled-body = Tofaktorautentisering ble aktivert for kontoen din { $when }. Oppbevar nødkodene dine på et trygt sted.

mail-replaced-subject = Autentiseringsappen din er byttet ut
mail-replaced-body = En ny autentiseringsapp ble satt opp { $when }. Den gamle appen virker ikke lenger. Alle andre økter og klarerte enheter er logget ut, og du har nye nødkoder.

mail-disabled-subject = Tofaktorautentisering er slått av
mail-disabled-body = Tofaktorautentisering ble slått av for kontoen din { $when }. Nødkodene og de klarerte enhetene dine virker ikke lenger.

mail-emergency-used-subject = En nødkode er brukt
mail-emergency-used-body = En nødkode ble brukt til å logge inn { $when }. Koder igjen: { $left } av { $total }.

mail-codes-new-subject = Du har nye nødkoder
mail-codes-new-body = Nye nødkoder ble laget { $when }. De gamle virker ikke lenger.

mail-otc-subject = Engangskoden din
mail-otc-code = { $code } er engangskoden din.
mail-otc-body = Den virker én gang, til { $until }. Velg «Annen metode» i kodevinduet og deretter «Engangskode».
mail-otc-asked = Du ba kundeservice om den.
mail-otc-asked-case = Du ba kundeservice om den (sak { $case }).
mail-otc-keep = Ikke gi den til noen, heller ikke til oss.

mail-otc-shown-subject = Kundeservice har laget en engangskode til deg
mail-otc-shown-body = En engangskode ble laget for kontoen din { $when } (sak { $case }) og gitt til deg i chat eller på telefon.
mail-otc-shown-plain-body = En engangskode ble laget for kontoen din { $when } og gitt til deg i chat eller på telefon.

mail-otc-used-subject = En engangskode er brukt
mail-otc-used-body = En engangskode fra kundeservice ble brukt til å logge inn { $when }.

mail-enrolment-subject = Koden din for å aktivere tofaktorautentisering
mail-enrolment-code = { $code } er koden din for å aktivere tofaktorautentisering.
mail-enrolment-body = Den virker én gang, til { $until }. Skriv den inn på siden som spør etter den. Ikke gi den til noen, heller ikke til oss.

mail-locked-subject = Noen har skrevet inn feil koder for kontoen din
mail-locked-body = Noen som kjenner passordet ditt, skrev inn { $wrong } feil koder, den siste { $when }. Koder er satt på pause til { $until }. Hvis det ikke var deg, endre passordet ditt nå.

mail-password-disabled-subject = Passordet ditt er sperret
mail-password-disabled-body = Etter for mange feil forsøk ble passordet ditt sperret { $when }. Det åpner ikke lenger kontoen din. Velg et nytt: åpne { $host } og velg «Glemt passordet?».

mail-app-disabled-subject = Autentiseringsappen din er sperret
mail-app-disabled-body = Noen som kjenner passordet ditt, skrev inn for mange feil koder, så autentiseringsappen din ble sperret { $when }. Kontakt kundeservice for å sette den opp på nytt. Hvis det ikke var deg, endre passordet ditt nå.

mail-device-trusted-subject = En enhet er klarert
mail-device-trusted-body = En enhet ble klarert { $when }. Den blir ikke spurt om en kode før { $until }.

mail-new-place-subject = Ny innlogging på kontoen din
mail-new-place-body = Du logget inn med en nettleser som ikke har vært brukt for kontoen din før, { $when }.

mail-password-subject = Passordet ditt er endret
mail-password-body = Passordet ditt ble endret { $when }. Alle andre økter er logget ut.

mail-reset-subject = Tilbakestill passordet ditt
mail-reset-body = Åpne denne lenken innen { $minutes } minutter for å velge et nytt passord:
mail-reset-ignore = Hvis du ikke ba om dette, trenger du ikke å gjøre noe: Passordet ditt er det samme som før.

mail-invitation-subject = Den nye kontoen din
mail-invitation-body = Det er laget en konto til deg. Åpne denne lenken for å velge passord; den virker én gang, til { $until }:

mail-desk-subject = Kundeservice har endret kontoen din
mail-desk-signed-out = Kundeservice logget deg ut overalt { $when }.
mail-desk-devices-removed = Kundeservice fjernet de klarerte enhetene dine { $when }.
mail-desk-authenticator-reset = Kundeservice fjernet autentiseringsappen og nødkodene dine { $when }. Du setter opp en app på nytt neste gang du logger inn.
mail-desk-exempted = Kundeservice utsatte dagen da du må aktivere tofaktorautentisering, { $when }.
mail-desk-unlocked = Kundeservice avsluttet en pause etter feil passord eller koder { $when }. Du kan logge inn igjen.
mail-desk-disabled = Kundeservice deaktiverte kontoen din { $when }. Du kan ikke lenger logge inn.
mail-desk-enabled = Kundeservice aktiverte kontoen din { $when }. Du kan logge inn igjen.
mail-desk-groups = Kundeservice endret gruppene dine { $when }. Tjenestene du kan åpne, kan ha endret seg.
mail-desk-password-reset = Kundeservice tilbakestilte passordet ditt { $when }. Det gamle virker ikke lenger, og alle økter er logget ut.
mail-desk-deletion = Kundeservice planla sletting av kontoen din { $when }. Kontakt kundeservice hvis du fortsatt trenger den.

mail-remind-subject = Aktiver tofaktorautentisering innen { $date }
mail-remind-body = Organisasjonen din krever tofaktorautentisering. Siste dag du kan utsette det, er { $date }; deretter må du aktivere det for å logge inn. Det tar omtrent 3 minutter: åpne { $host }, velg Konto og deretter Passord og 2FA. Ha telefonen for hånden.

mail-deadline-subject = Du må nå aktivere tofaktorautentisering
mail-deadline-body = Neste gang du logger inn, må du aktivere tofaktorautentisering før du kan fortsette. Det tar omtrent 3 minutter. Ha telefonen for hånden.
