# E-post. `when` är datum och klockslag, med webbläsare och adress inom parentes där de är kända.

mail-device = { $browser } på { $system }
mail-device-unknown = okänd webbläsare
mail-address = IP-adress { $address }
mail-address-unknown = okänd IP-adress
mail-case = Ärende { $case }.

mail-closing-not-you = Var det inte du? Öppna { $host }, välj Konto och sedan Lösenord och 2FA, logga ut alla andra sessioner och byt lösenord.
mail-closing-contact = Du kan också kontakta { $help }.
mail-closing-never = Kundtjänst frågar aldrig efter ditt lösenord eller en kod från din app.

mail-enabled-subject = Tvåfaktorsautentisering är på
mail-enabled-body = Tvåfaktorsautentisering aktiverades för ditt konto den { $when }. Förvara dina nödkoder på ett säkert ställe.

mail-replaced-subject = Din autentiseringsapp har bytts ut
mail-replaced-body = En ny autentiseringsapp ställdes in den { $when }. Den gamla appen fungerar inte längre. Alla andra sessioner och betrodda enheter har loggats ut, och du har nya nödkoder.

mail-disabled-subject = Tvåfaktorsautentisering har stängts av
mail-disabled-body = Tvåfaktorsautentisering stängdes av för ditt konto den { $when }. Dina nödkoder och betrodda enheter fungerar inte längre.

mail-emergency-used-subject = En nödkod har använts
mail-emergency-used-body = En nödkod användes för att logga in den { $when }. Koder kvar: { $left } av { $total }.

mail-codes-new-subject = Du har nya nödkoder
mail-codes-new-body = Nya nödkoder skapades den { $when }. De gamla fungerar inte längre.

mail-otc-subject = Din engångskod
mail-otc-code = { $code } är din engångskod.
mail-otc-body = Den fungerar en gång, till den { $until }. Välj ”Annan metod” i kodfönstret och sedan ”Engångskod”.
mail-otc-asked = Du bad kundtjänst om den.
mail-otc-asked-case = Du bad kundtjänst om den (ärende { $case }).
mail-otc-keep = Ge den inte till någon, inte heller till oss.

mail-otc-shown-subject = Kundtjänst har skapat en engångskod åt dig
mail-otc-shown-body = En engångskod skapades för ditt konto den { $when } (ärende { $case }) och gavs till dig via chatt eller telefon.
mail-otc-shown-plain-body = En engångskod skapades för ditt konto den { $when } och gavs till dig via chatt eller telefon.

mail-otc-used-subject = En engångskod har använts
mail-otc-used-body = En engångskod från kundtjänst användes för att logga in den { $when }.

mail-enrolment-subject = Din kod för att aktivera tvåfaktorsautentisering
mail-enrolment-code = { $code } är din kod för att aktivera tvåfaktorsautentisering.
mail-enrolment-body = Den fungerar en gång, till den { $until }. Ange den på sidan som frågar efter den. Ge den inte till någon, inte heller till oss.

mail-locked-subject = Någon har angett fel koder för ditt konto
mail-locked-body = Någon som känner till ditt lösenord angav { $wrong } felaktiga koder, den sista den { $when }. Koder är pausade till den { $until }. Om det inte var du, byt lösenord nu.

mail-password-disabled-subject = Ditt lösenord har spärrats
mail-password-disabled-body = Efter för många felaktiga försök spärrades ditt lösenord den { $when }. Det öppnar inte längre ditt konto. Välj ett nytt: öppna { $host } och välj ”Har du glömt lösenordet?”.

mail-app-disabled-subject = Din autentiseringsapp har spärrats
mail-app-disabled-body = Någon som känner till ditt lösenord angav för många felaktiga koder, så din autentiseringsapp spärrades den { $when }. Kontakta kundtjänst för att ställa in den igen. Om det inte var du, byt lösenord nu.

mail-device-trusted-subject = En enhet är nu betrodd
mail-device-trusted-body = En enhet blev betrodd den { $when }. Den tillfrågas inte om en kod förrän den { $until }.

mail-new-place-subject = Ny inloggning på ditt konto
mail-new-place-body = Du loggade in med en webbläsare som inte har använts för ditt konto tidigare, den { $when }.

mail-password-subject = Ditt lösenord har ändrats
mail-password-body = Ditt lösenord ändrades den { $when }. Alla andra sessioner har loggats ut.

mail-reset-subject = Återställ ditt lösenord
mail-reset-body = Öppna den här länken inom { $minutes } minuter för att välja ett nytt lösenord:
mail-reset-ignore = Om du inte bad om detta behöver du inte göra något: ditt lösenord är oförändrat.

mail-invitation-subject = Ditt nya konto
mail-invitation-body = Ett konto har skapats åt dig. Öppna den här länken för att välja lösenord; den fungerar en gång, till den { $until }:

mail-desk-subject = Kundtjänst har ändrat ditt konto
mail-desk-signed-out = Kundtjänst loggade ut dig överallt den { $when }.
mail-desk-devices-removed = Kundtjänst tog bort dina betrodda enheter den { $when }.
mail-desk-authenticator-reset = Kundtjänst tog bort din autentiseringsapp och dina nödkoder den { $when }. Du ställer in en app igen vid nästa inloggning.
mail-desk-exempted = Kundtjänst sköt upp dagen då du måste aktivera tvåfaktorsautentisering, den { $when }.
mail-desk-unlocked = Kundtjänst avslutade en paus efter felaktiga lösenord eller koder den { $when }. Du kan logga in igen.
mail-desk-disabled = Kundtjänst inaktiverade ditt konto den { $when }. Du kan inte längre logga in.
mail-desk-enabled = Kundtjänst aktiverade ditt konto den { $when }. Du kan logga in igen.
mail-desk-groups = Kundtjänst ändrade dina grupper den { $when }. De tjänster du kan öppna kan ha ändrats.
mail-desk-password-reset = Kundtjänst återställde ditt lösenord den { $when }. Det gamla fungerar inte längre, och alla sessioner har loggats ut.
mail-desk-deletion = Kundtjänst planerade att ta bort ditt konto den { $when }. Kontakta kundtjänst om du fortfarande behöver det.

mail-remind-subject = Aktivera tvåfaktorsautentisering senast den { $date }
mail-remind-body = Din organisation kräver tvåfaktorsautentisering. Sista dagen att skjuta upp det är den { $date }; därefter måste du aktivera det för att logga in. Det tar ungefär 3 minuter: öppna { $host }, välj Konto och sedan Lösenord och 2FA. Ha telefonen till hands.

mail-deadline-subject = Du måste nu aktivera tvåfaktorsautentisering
mail-deadline-body = Vid nästa inloggning måste du aktivera tvåfaktorsautentisering innan du kan fortsätta. Det tar ungefär 3 minuter. Ha telefonen till hands.
